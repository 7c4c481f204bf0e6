// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableSet;
import io.flowmirror.flows.Action;
import io.flowmirror.flows.InstalledEntry;
import io.flowmirror.flows.Opaque;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.opendaylight.yangtools.binding.DataObject;

/** What real switches have said, decoded without loss. */
class CorpusTest {
  /** Those of OVN 23.03, controller/physical.c and lib/actions.c, by type or Nicira subtype. */
  private static final ImmutableSet<String> OVNS_ACTIONS =
      ImmutableSet.of(
          "OFPAT_OUTPUT 0",
          "OFPIT_METER 6",
          "OFPAT_PUSH_VLAN 17",
          "OFPAT_POP_VLAN 18",
          "OFPAT_SET_QUEUE 21",
          "OFPAT_GROUP 22",
          "OFPAT_SET_FIELD 25",
          "NXAST_REG_LOAD 7",
          "NXAST_BUNDLE 12",
          "NXAST_RESUBMIT_TABLE 14",
          "NXAST_LEARN 16",
          "NXAST_DEC_TTL_CNT_IDS 21",
          "NXAST_STACK_PUSH 27",
          "NXAST_STACK_POP 28",
          "NXAST_CONJUNCTION 34",
          "NXAST_CT 35",
          "NXAST_CONTROLLER2 37",
          "NXAST_CLONE 42",
          "NXAST_CT_CLEAR 43",
          "NXAST_CHECK_PKT_LARGER 49",
          // move, as Open vSwitch says it over 1.3 when it was added over 1.5.
          "ONFACT_COPY_FIELD 3200");

  /** Fields with a name on the wire: ct_mark, the registers, tun_id, metadata and in_port. */
  private static final String FIELD = "(0001d604|0001[01][02468ace]04|80004c08|80000408|80000004)";

  /** Actions that FlowEncoder can write, and FlowDecoder must know therefore. */
  private static final Pattern OURS =
      Pattern.compile(
          "000000100000(?!0000|ff).{20}"
              + ("|00190010" + FIELD + ".*")
              + ("|ffff0018000023200007.{4}" + FIELD + ".{16}")
              + "|ffff001000002320000efff8.{8}");

  @ParameterizedTest
  @CsvSource({"ovn-23.03-n1.gz, 1383", "ovn-23.03-n2.gz, 1237", "every-entry.gz, 1036"})
  void decodesEachEntryWithoutLoss(String file, int count) {
    int decoded = 0;
    try (InboundPipeline pipeline = new InboundPipeline()) {
      for (byte[] message : Corpus.messages(file)) {
        List<WireEntry> wire = WireEntry.split(message);
        List<InstalledEntry> entries = pipeline.flows(message);
        assertThat(entries).hasSameSizeAs(wire);
        for (int i = 0; i < wire.size(); i++) {
          wire.get(i).assertSameAs(entries.get(i));
          assertKnows(wire.get(i).actions(), entries.get(i).entry().actions());
        }
        decoded += entries.size();
      }
    }
    assertThat(decoded).isEqualTo(count);
  }

  private static void assertKnows(List<Opaque> wire, List<Action> decoded) {
    for (int i = 0; i < wire.size(); i++) {
      boolean ours = OURS.matcher(wire.get(i).toString()).matches();
      assertThat(decoded.get(i) instanceof Action.Other).as("%s", wire.get(i)).isEqualTo(!ours);
    }
  }

  /** So that no kind gets lost when the corpus is made anew. */
  @Test
  void hasEachKindOfOvnsActions() {
    Set<String> found = new TreeSet<>();
    for (String file : Corpus.OVN) {
      for (byte[] message : Corpus.messages(file)) {
        for (WireEntry entry : WireEntry.split(message)) {
          entry.actions().forEach(action -> found.add(kind(action.toString())));
        }
      }
    }
    Set<String> numbers = new TreeSet<>();
    OVNS_ACTIONS.forEach(name -> numbers.add(name.replaceFirst("_.* ", " ")));
    assertThat(found).isEqualTo(numbers);
  }

  private static String kind(String hex) {
    int type = Integer.parseInt(hex.substring(0, 4), 16);
    if (type != Ofp.OFPAT_EXPERIMENTER) {
      // The only instruction of OVN's but OFPIT_APPLY_ACTIONS; no action of its has this number.
      return (type == 6 ? "OFPIT " : "OFPAT ") + type;
    }
    String vendor = hex.startsWith("00002320", 8) ? "NXAST " : "ONFACT ";
    return vendor + Integer.parseInt(hex.substring(16, 20), 16);
  }

  @Test
  void takesAllThatASwitchSaysToASession() {
    List<DataObject> received = new ArrayList<>();
    int messages = 0;
    try (InboundPipeline pipeline = new InboundPipeline()) {
      for (byte[] message : Corpus.messages(Corpus.SESSION)) {
        if (Frames.type(message) != Ofp.OFPT_HELLO) {
          received.addAll(pipeline.receive(message));
          messages++;
        }
      }
    }
    assertThat(received).hasSize(messages).noneMatch(Incoming.Broken.class::isInstance);
  }
}
