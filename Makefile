# SPDX-License-Identifier: Apache-2.0
# What there is to do with this checkout; "make" alone says it.

MVN = mvn -B
# Maven on the JDK that compiles this, where something runs in Maven's own JVM or beside it.
NEWEST = jdk=$$(.ci/jdk) && JAVA_HOME=$$jdk PATH=$$jdk/bin:$$PATH

.DEFAULT_GOAL := help
.PHONY: help demo test soak build image format clean prepare bench-traffic bench-control bench-micro

MINUTES = 60

help:
	@echo 'make demo     as root: a sandbox with real OVN, one mirrored pod, its copies'
	@echo 'make test     as root: install what the tests need, build, run all tests'
	@echo 'make soak     as root: faults by chance for MINUTES=60, then 200 annotations; the report goes to docs/soak.md'
	@echo 'make bench-control  as root: thousands of switches that are none, and a real one; tables and plots go to docs/performance'
	@echo 'make bench-micro    JMH of what is done with every entry'
	@echo 'make bench-traffic  as root: what mirroring costs eight kinds of traffic; BENCH_ROUNDS=5,'
	@echo '              BENCH_SECONDS=1, BENCH_ROWS and BENCH_SIZES; to docs/performance/traffic.md'
	@echo 'make build    build for bin/flowmirror, without tests'
	@echo 'make image    as root: a container image and its bill of materials, in target/'
	@echo 'make format   format all Java sources (mvn verify checks them)'
	@echo 'make clean    remove what was built'

demo:
	sandbox/demo

# The API server takes minutes to make, once on a machine: beside everything else.
test: prepare
	sandbox/sandbox install --tests
	@mkdir -p target
	@setsid nice -n 19 sandbox/kube assets >target/kube-assets.log 2>&1 & made=$$!; \
	$(NEWEST) $(MVN) verify -Dforks=3; status=$$?; \
	kill -- -$$made 2>/dev/null; wait $$made; exit $$status

soak: prepare
	sandbox/sandbox install
	$(MVN) verify -pl controller -am -Dtest=none -Dit.test=ChaosIT,KubernetesIT -Dkubernetes.toggles=200 -Dsurefire.failIfNoSpecifiedTests=false \
	    -Dfailsafe.failIfNoSpecifiedTests=false -Dchaos.minutes=$(MINUTES) -Dchaos.pods=1000 -Dchaos.report=$(CURDIR)/docs/soak.md

bench-traffic: prepare
	$(NEWEST) bench/traffic

bench-control: build
	bench/control --out docs/performance/control.md

bench-micro: prepare
	bench/micro --out controller/target/micro.json

build: prepare
	$(MVN) -q -DskipTests package
	.ci/aot-cache

image: build
	config/image/build --out target/flowmirror-image.tar
	$(MVN) -q org.cyclonedx:cyclonedx-maven-plugin:2.9.3:makeAggregateBom -DoutputName=flowmirror-bom -DoutputFormat=json \
	    -DincludeTestScope=false -Dcyclonedx.skipAttach=true

format: prepare
	$(NEWEST) $(MVN) -q -N verify -Dformat=write

clean: prepare
	$(MVN) -q clean

# Maven, and a JDK that compiles this. Does nothing if they are there.
prepare:
	@.ci/prepare
