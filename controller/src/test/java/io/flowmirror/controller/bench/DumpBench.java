// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.bench;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * Dumps of a whole br-int that is full of others' entries: by REST, by the command line, and by
 * {@code ovs-ofctl}, in rounds of all three in an order that rotates. Each is read to its end by
 * this JVM, which counts its entries.
 */
public final class DumpBench {
  private static final String FLOWS = "/v1/nodes/n1/flows?owner=ovn";

  /** One of a user's ways to the entries, and what ovs-vswitchd is asked for. */
  private enum Way {
    REST,
    COMMAND,
    OFCTL;

    private long count(RealNode node) throws IOException, InterruptedException {
      return switch (this) {
        case REST -> node.entriesByRest(FLOWS);
        case COMMAND -> node.entriesByCommand("flows", "--node", "n1", "--owner", "ovn");
        case OFCTL -> node.entriesByOfctl();
      };
    }

    private String key() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private DumpBench() {}

  /**
   * Runs.
   *
   * @param arguments the checkout, the file to write, how many entries, how many rounds, and
   *     options of the controller's JVM
   */
  public static void main(String[] arguments) throws Exception {
    ObjectNode result =
        run(
            Path.of(arguments[0]).toAbsolutePath(),
            Integer.parseInt(arguments[2]),
            Integer.parseInt(arguments[3]),
            arguments[4]);
    Files.writeString(Path.of(arguments[1]), result.toPrettyString() + "\n");
    System.out.println(result);
  }

  static ObjectNode run(Path root, int entries, int rounds, String options) throws Exception {
    ObjectNode result = new JsonMapper().createObjectNode();
    result.put("part", "dumps").put("entries", entries).put("rounds", rounds);
    result.put("options", options);
    Rounds millis = new Rounds();
    Rounds cpu = new Rounds();
    try (RealNode node = new RealNode(root, List.of(), List.of(), "mirrors: []\n", options)) {
      node.put(RealNode.foreign(entries, entries), "foreign");
      node.awaitInSync();
      MachineShare share = new MachineShare(node.controller());
      long expected = node.entriesByOfctl();
      for (int round = -1; round < rounds; round++) {
        for (int turn = 0; turn < Way.values().length; turn++) {
          Way way = Way.values()[Math.floorMod(round + turn, Way.values().length)];
          double before = cpuSeconds(node);
          double switches = switchSeconds(node);
          long began = System.nanoTime();
          long counted = way.count(node);
          double took = (System.nanoTime() - began) / 1e6;
          if (counted < entries || counted > expected + 8) {
            throw new IOException(way + " has told of " + counted + " entries, not " + expected);
          }
          if (round >= 0) {
            millis.add(way.key(), took);
            cpu.add(way.key(), 1000 * (cpuSeconds(node) - before));
            cpu.add(way.key() + "Switch", 1000 * (switchSeconds(node) - switches));
          }
        }
      }
      result.put("othersPercent", Math.round(share.othersPercent()));
      result.put("mostLeftOnHeapMib", node.mostLeftOnHeapMib());
      result.put("peakResidentMib", Math.round(node.controller().peakResidentMib()));
    }
    for (Way way : Way.values()) {
      ObjectNode each = result.putObject(way.key());
      millis.write(each, way.key(), way == Way.OFCTL ? "" : "ofctl");
      each.put("cpuMillis", cpu.median(way.key()));
      each.put("switchCpuMillis", cpu.median(way.key() + "Switch"));
    }
    return result;
  }

  /** Of the controller, and of programs that were started for a dump. */
  private static double cpuSeconds(RealNode node) throws IOException {
    return node.controller().cpuSeconds() + ControllerProcess.childrensCpuSeconds();
  }

  private static double switchSeconds(RealNode node) throws IOException {
    return ControllerProcess.cpuSeconds(Long.toString(node.ovs().pid()));
  }
}
