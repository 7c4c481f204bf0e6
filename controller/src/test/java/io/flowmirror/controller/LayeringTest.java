// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The arrows between packages: controller to flows to topology and config, never back. */
@AnalyzeClasses(packages = "io.flowmirror", importOptions = ImportOption.DoNotIncludeTests.class)
final class LayeringTest {
  private static final String CONFIG = "io.flowmirror.config..";
  private static final String TOPOLOGY = "io.flowmirror.topology..";
  private static final String FLOWS = "io.flowmirror.flows..";
  private static final String CONTROLLER = "io.flowmirror.controller..";
  private static final String OPENFLOW = "io.flowmirror.controller.openflow..";
  private static final String OVSDB = "io.flowmirror.controller.ovsdb..";

  @ArchTest
  static final ArchRule configStandsAlone =
      noClasses()
          .that()
          .resideInAPackage(CONFIG)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(TOPOLOGY, FLOWS, CONTROLLER)
          .because("what the operator wants does not depend on what is there or what is done");

  @ArchTest
  static final ArchRule topologyStandsAlone =
      noClasses()
          .that()
          .resideInAPackage(TOPOLOGY)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(CONFIG, FLOWS, CONTROLLER)
          .because("what is observed does not depend on what anybody wants");

  @ArchTest
  static final ArchRule flowsKnowNoController =
      noClasses()
          .that()
          .resideInAPackage(FLOWS)
          .should()
          .dependOnClassesThat()
          .resideInAPackage(CONTROLLER)
          .because("entries follow from intent and topology alone, so that a test needs no switch");

  @ArchTest
  static final ArchRule flowsAndTopologyArePure =
      noClasses()
          .that()
          .resideInAnyPackage(FLOWS, TOPOLOGY)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "io.netty..",
              "com.google.inject..",
              "org.opendaylight..",
              "java.net..",
              "java.nio.channels..",
              "java.util.concurrent..")
          .orShould()
          .dependOnClassesThat()
          .belongToAnyOf(java.time.Clock.class, java.time.InstantSource.class, Thread.class)
          .orShould()
          .callMethod(System.class, "nanoTime")
          .orShould()
          .callMethod(System.class, "currentTimeMillis")
          .orShould()
          .callMethod(java.time.Instant.class, "now")
          .because("the same input has to give the same entries, at any time and on any thread");

  @ArchTest
  static final ArchRule onlyOpenflowKnowsOpenDaylight =
      noClasses()
          .that()
          .resideOutsideOfPackage(OPENFLOW)
          .should()
          .dependOnClassesThat()
          .resideInAPackage("org.opendaylight..")
          .because(
              "its decoders lose and drop entries of OVN's; that is worked around in one place");

  @ArchTest
  static final ArchRule sessionsKnowNeitherEachOtherNorTheLoop =
      noClasses()
          .that()
          .resideInAnyPackage(OPENFLOW, OVSDB)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "io.flowmirror.controller.reconcile..", "io.flowmirror.controller.main..")
          .because(
              "a session reports what it sees and applies what it is given; it decides nothing");

  @ArchTest
  static final ArchRule openflowKnowsNoOvsdb =
      noClasses()
          .that()
          .resideInAPackage(OPENFLOW)
          .should()
          .dependOnClassesThat()
          .resideInAPackage(OVSDB)
          .because("the two channels are not ordered against each other; the topology joins them");

  @ArchTest
  static final ArchRule ovsdbKnowsNoOpenflow =
      noClasses()
          .that()
          .resideInAPackage(OVSDB)
          .should()
          .dependOnClassesThat()
          .resideInAPackage(OPENFLOW)
          .because("the two channels are not ordered against each other; the topology joins them");

  @ArchTest
  static final ArchRule controllerHasNoCycles =
      slices()
          .matching("io.flowmirror.controller.(*)..")
          .should()
          .beFreeOfCycles()
          .allowEmptyShould(true)
          .because("a package that cannot be read without another one is a part of it");

  @ArchTest
  static final ArchRule namesAreTheFields =
      classes()
          .that()
          .resideInAPackage("io.flowmirror..")
          .should()
          .haveNameNotMatching(".*(Manager|Handler|Helper|Util|Utils|Processor|Info|Data|Impl)")
          .because("a name says what a thing is to an Open vSwitch engineer");
}
