// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Sets;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Mirroring adds an output to what the datapath does with a mirrored frame, and no action, no pass
 * and no megaflow to what it does with another: megaflow for megaflow. {@code bench/datapath} keeps
 * the table.
 */
@ExtendWith(SharedCluster.class)
final class DatapathCostIT {
  private static final ImmutableList<TrafficRow> ROWS =
      ImmutableList.of(
          TrafficRow.SAME_NODE,
          TrafficRow.OTHER_NODE,
          TrafficRow.OWN_NODE,
          TrafficRow.ANOTHER_NODE,
          TrafficRow.ONE_OF_TEN);

  private static final Pattern IN_A_MATCH =
      Pattern.compile("(?<name>[a-z_0-9]+)=[^,/]*(?<mask>/[^,]*)?");

  private final StringBuilder table = new StringBuilder();
  private final StringBuilder differences = new StringBuilder();

  @Test
  void aMirrorAddsOutputsAndNothingElse(Cluster cluster) throws IOException {
    ImmutableSet<TrafficMode> modes = ImmutableSet.copyOf(TrafficMode.values());
    try (TrafficStage stage =
        new TrafficStage(cluster.sandbox(), ImmutableSet.copyOf(ROWS), modes)) {
      for (TrafficRow row : ROWS) {
        Map<TrafficMode, DatapathCost> costs = new EnumMap<>(TrafficMode.class);
        for (TrafficMode mode : modes) {
          costs.put(mode, cost(stage, row, mode));
        }
        compare(row, costs);
      }
      subtables(stage, modes);
    } finally {
      System.out.println(table);
      System.out.println(differences);
    }
    String out = System.getProperty("bench.out", "");
    if (!out.isEmpty()) {
      Files.writeString(Path.of(out, "datapath.tables"), table + "\n" + differences);
    }
  }

  /** Once for the switch to learn who is where, and once more from no megaflows at all. */
  private static DatapathCost cost(TrafficStage stage, TrafficRow row, TrafficMode mode) {
    stage.use(mode);
    ping(stage, row);
    stage.brInt().appctl("revalidator/purge");
    stage.brInt().appctl("dpif-netdev/pmd-stats-clear");
    ping(stage, row);
    return DatapathCost.of(stage.brInt());
  }

  private static void ping(TrafficStage stage, TrafficRow row) {
    Program.run(
        "ip",
        "netns",
        "exec",
        stage.client(row),
        "ping",
        "-q",
        "-c",
        "5",
        "-i",
        "0.01",
        "-W",
        "2",
        stage.target(row, TrafficLoad.UDP_FIXED));
  }

  private void compare(TrafficRow row, Map<TrafficMode, DatapathCost> costs) {
    DatapathCost none = Objects.requireNonNull(costs.get(TrafficMode.NONE));
    assertThat(none.megaflows()).as(row.words).isNotEmpty();
    costs.forEach(
        (mode, cost) -> {
          ImmutableSet<String> bare = cost.withoutOutputs(TrafficStage.MIRROR_PORT);
          ImmutableSet<String> bareNone = none.withoutOutputs(TrafficStage.MIRROR_PORT);
          boolean same = bare.equals(bareNone);
          boolean sameButMarks =
              cost.withoutOutputsAndMarks(TrafficStage.MIRROR_PORT)
                  .equals(none.withoutOutputsAndMarks(TrafficStage.MIRROR_PORT));
          long outputs = cost.outputsTo(TrafficStage.MIRROR_PORT);
          table.append(
              String.format(
                  Locale.ROOT,
                  "| %d. %s | %s | %d | %d | %d | %d | %s |%n",
                  row.number,
                  row.words,
                  mode.words,
                  cost.megaflows().size(),
                  cost.recirculated(),
                  outputs,
                  cost.upcalls(),
                  adds(same, sameButMarks, outputs)));
          if (!same) {
            differences.append(row.number + ", " + mode.words + ":\n");
            Sets.difference(bareNone, bare)
                .forEach(line -> differences.append("- ").append(line).append('\n'));
            Sets.difference(bare, bareNone)
                .forEach(line -> differences.append("+ ").append(line).append('\n'));
          }
          if (mode == TrafficMode.FLOWMIRROR_POD) {
            // Whether OVN has translated a frame is in its connection's mark (flows/README.md).
            assertThat(sameButMarks).as(row.words).isTrue();
            assertThat(cost.megaflows()).as(row.words).hasSameSizeAs(none.megaflows());
            // A request and its answer; of others' traffic there is nothing to copy.
            assertThat(outputs).as(row.words).isEqualTo(row.mirroredPod ? 2 : 0);
          }
        });
  }

  private static String adds(boolean same, boolean sameButMarks, long outputs) {
    String copies = outputs == 0 ? "" : "outputs";
    if (same) {
      return copies.isEmpty() ? "nothing" : copies;
    }
    String mark = "a bit of ct_mark is looked at";
    return !sameButMarks ? "see below" : copies.isEmpty() ? mark : copies + ", " + mark;
  }

  private void subtables(TrafficStage stage, ImmutableSet<TrafficMode> modes) {
    table.append('\n');
    for (TrafficMode mode : modes) {
      stage.use(mode);
      ImmutableList<String> entries = stage.brInt().entries();
      table.append(
          String.format(
              Locale.ROOT,
              "| %s | %d | %d | %d | %d |%n",
              mode.words,
              entries.size(),
              masks(entries, "0").size(),
              masks(entries, "65").size(),
              entries.stream().map(DatapathCostIT::mask).distinct().count()));
    }
  }

  private static ImmutableSet<String> masks(ImmutableList<String> entries, String wanted) {
    return entries.stream()
        .map(DatapathCostIT::mask)
        .filter(mask -> mask.startsWith("table=" + wanted + " "))
        .collect(ImmutableSet.toImmutableSet());
  }

  /** The classifier has a subtable for each (lib/classifier.c): a table, and what is looked at. */
  private static String mask(String entry) {
    String match = entry.replaceFirst(" actions=.*", "");
    String tableOf = match.contains("table=") ? match.replaceFirst(".*table=(\\d+).*", "$1") : "0";
    String fields = match.replaceFirst(".*priority=\\d+,?", "");
    return "table=" + tableOf + " " + IN_A_MATCH.matcher(fields).replaceAll("${name}${mask}");
  }
}
