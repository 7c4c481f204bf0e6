// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * From OVN's wipe of a real br-int to the repair of so many entries, beside the time that {@code
 * ovs-ofctl --bundle} takes to add the same entries to two other tables of it, in turns.
 */
public final class RepairBench {
  /**
   * Who wipes the same again and again is answered more and more slowly, up to once in a second
   * (controller/README.md): that is not what is measured here.
   */
  private static final Duration CALM = Duration.ofSeconds(3);

  /** Rounds that do not count: the JVM's first are several times as slow. */
  private static final int WARM_UP = 3;

  /** Beyond this many local ports entries are refused ({@code MirrorCompiler.MAX_LOCAL_PORTS}). */
  private static final int MOST_PODS = 249;

  private static final int DATAPATHS = 50;
  private static final String FOREIGN = "cookie=0x77/-1";

  private RepairBench() {}

  /**
   * Runs.
   *
   * @param arguments the checkout, the file to write, about how many entries, how many rounds, and
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

  /** A node on which about so many entries are wanted. */
  private record Shape(int pods, int tunnels, int datapaths, int wanted) {
    /** Of mirrored pods, as far as a node may have so many; beyond that, of everything. */
    static Shape of(int entries) {
      int pods = (entries - 1) / 3;
      if (pods <= MOST_PODS) {
        return new Shape(pods, 0, 1, 1 + 3 * pods);
      }
      // E0, E1 without a port; E2 and E3 of each port; one of each tunnel and datapath.
      int tunnels = (entries - 2 - 2 * DATAPATHS) / DATAPATHS;
      return new Shape(DATAPATHS, tunnels, DATAPATHS, 2 + 2 * DATAPATHS + tunnels * DATAPATHS);
    }

    boolean everything() {
      return tunnels > 0;
    }
  }

  static ObjectNode run(Path root, int entries, int rounds, String options) throws Exception {
    Shape shape = Shape.of(entries);
    List<String> ovn = new ArrayList<>();
    List<String> ports = new ArrayList<>();
    StringBuilder mirrors = new StringBuilder();
    for (int pod = 1; pod <= shape.pods(); pod++) {
      ovn.addAll(RealNode.ovn(pod, 1 + pod % shape.datapaths(), pod));
      String name = "p" + pod + "_h";
      ports.addAll(List.of("--", "add-port", "br-int", name, "--", "set", "interface", name));
      ports.addAll(List.of("type=internal", "ofport_request=" + pod));
      ports.addAll(List.of("external_ids:iface-id=p" + pod + ".default"));
      ports.addAll(List.of("external_ids:pod_name=p" + pod, "external_ids:pod_namespace=default"));
      mirrors.append("  - pod: default/p").append(pod).append('\n');
    }
    for (int tunnel = 1; tunnel <= shape.tunnels(); tunnel++) {
      String name = "ovn-" + tunnel + "-0";
      ports.addAll(List.of("--", "add-port", "br-int", name, "--", "set", "interface", name));
      ports.addAll(List.of("type=geneve", "options:key=flow", "ofport_request=" + (1000 + tunnel)));
      ports.add("options:remote_ip=172.16.0." + tunnel);
      ovn.add(
          ("table=0,priority=100,cookie=0x1,in_port=%d actions=move:NXM_NX_TUN_ID[0..23]"
                  + "->OXM_OF_METADATA[0..23],resubmit(,38)")
              .formatted(1000 + tunnel));
    }
    if (shape.everything()) {
      mirrors.setLength(0);
    }
    String config = shape.everything() ? "enable-mirror: true\n" : "mirrors:\n" + mirrors;
    ports.removeFirst();
    ObjectNode result = new JsonMapper().createObjectNode();
    result.put("part", "repairs").put("rounds", rounds).put("options", options);
    result.put("pods", shape.pods()).put("tunnels", shape.tunnels());
    Rounds millis = new Rounds();
    try (RealNode node = new RealNode(root, ovn, ports, config, options)) {
      node.await(shape.wanted());
      result.put("entries", shape.wanted());
      List<String> wipe = new ArrayList<>(List.of("delete"));
      ovn.forEach(entry -> wipe.add("add " + entry));
      Path wiping = node.put(List.of(), "wipe");
      Files.write(wiping, wipe);
      List<String> same = others(node);
      MachineShare share = new MachineShare(node.controller());
      for (int round = -Math.min(WARM_UP, rounds); round < rounds; round++) {
        Thread.sleep(CALM);
        long began = System.nanoTime();
        node.put(same, "same");
        double ofctl = (System.nanoTime() - began) / 1e6;
        node.ovs().ofctl("del-flows", node.ovs().bridge(), FOREIGN);
        String before = lastRepair(node).path("noticed").asText();
        node.ovs().ofctl("--bundle", "add-flows", node.ovs().bridge(), wiping.toString());
        long wiped = System.nanoTime();
        node.await(shape.wanted());
        double back = (System.nanoTime() - wiped) / 1e6;
        JsonNode repair;
        do {
          repair = lastRepair(node);
        } while (repair.path("noticed").asText().equals(before));
        if (round >= 0) {
          millis.add("ofctl", ofctl);
          millis.add("back", back);
          millis.add("repair", repair.path("tookMillis").asDouble());
        }
      }
      result.put("othersPercent", Math.round(share.othersPercent()));
    }
    for (String each : new String[] {"repair", "back", "ofctl"}) {
      millis.write(result.putObject(each), each, each.equals("ofctl") ? "" : "ofctl");
    }
    return result;
  }

  private static JsonNode lastRepair(RealNode node) throws IOException, InterruptedException {
    return new JsonMapper().readTree(node.get("/v1/nodes/n1")).path("lastRepair");
  }

  /** Our entries, with somebody else's cookie and in tables that nobody reads. */
  private static List<String> others(RealNode node) {
    return node.ovs().flows(RealNode.OURS).stream()
        .map(
            line ->
                line.replaceFirst("cookie=0x[0-9a-f]+", "cookie=0x77")
                    .replaceFirst("table=0", "table=200")
                    .replaceFirst("table=65", "table=201"))
        .toList();
  }
}
