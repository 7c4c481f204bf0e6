// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.flowmirror.controller.transport.Endpoint;
import io.flowmirror.topology.Datapath;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** Makes the corpus anew, together with EveryEntryIT; {@code corpus/README.md} says how. */
@EnabledIfSystemProperty(named = "corpus.write", matches = "true")
class CorpusRecorderIT extends RealSwitchTests {
  private static final String PREFIX = "corpus";

  @Test
  void recordsOvn() {
    String sandbox = Corpus.checkout().resolve("sandbox/sandbox").toString();
    RealSwitch.command(sandbox, "--prefix", PREFIX, "up");
    try {
      RealSwitch.command("sh", Corpus.source("ovn-setup").toString(), sandbox, PREFIX);
      for (int node = 1; node <= 2; node++) {
        Path socket = Path.of("/run/flowmirror-sandbox", PREFIX, "n" + node, "run/br-int.mgmt");
        try (SwitchClient client = SwitchClient.connect(socket)) {
          Corpus.write(Corpus.OVN.get(node - 1), client.flows());
        }
      }
    } finally {
      RealSwitch.command(sandbox, "--prefix", PREFIX, "down");
    }
  }

  /** All that a switch sends unasked, and each reply that a session asks for, also errors. */
  @Test
  void recordsASession() {
    ovs.addPort("p1");
    try (Wiretap tap = new Wiretap(ovs.socket())) {
      OpenFlowSession session =
          open(
              OpenFlowOptions.of("node", Endpoint.unix(tap.socket()))
                  .withEchoAfter(Duration.ofMillis(200)));
      Datapath datapath = connected();
      apply(
          session,
          Entries.add(Entries.e0(9)),
          Entries.add(Entries.e1(1, 9)),
          Entries.add(Entries.e2(65, 3, 7, 9)));
      assertThat(apply(session, Entries.add(Entries.e2(254, 3, 7, 9))).refused()).isNotEmpty();
      ovs.addFlow("table=0,priority=100,in_port=1 actions=set_field:3->metadata,resubmit(,8)");
      ovs.addFlow("table=0,priority=100,tcp,tcp_flags=+syn,tun_id=5 actions=ct(commit),normal");
      ovs.ofctl("mod-flows", ovs.bridge(), "table=0,in_port=1 actions=drop");
      ovs.ofctl("del-flows", ovs.bridge());
      ovs.addPort("a-name-of-15-by");
      session.bringUp(datapath.connection(), ovs.ofport("p1"));
      ovs.vsctl("del-port", "br-int", "p1");
      await().atMost(PATIENCE).until(() -> received(tap, Ofp.OFPT_FLOW_REMOVED) >= 3);
      await().atMost(PATIENCE).until(() -> received(tap, Ofp.OFPT_PORT_STATUS) >= 3);
      await().atMost(PATIENCE).until(() -> received(tap, FakeSwitch.ECHO_REPLY) >= 1);
      Corpus.write(Corpus.SESSION, tap.fromSwitch());
    }
  }

  private static long received(Wiretap tap, int type) {
    return tap.fromSwitch().stream().filter(message -> Frames.type(message) == type).count();
  }
}
