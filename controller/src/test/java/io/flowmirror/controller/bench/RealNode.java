// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.flowmirror.controller.openflow.RealSwitch;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;

/** One real Open vSwitch with pods that are none, and the controller of it. As root. */
final class RealNode implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  static final String OURS = "cookie=0x464d000000000000/0xffff000000000000";

  private final RealSwitch ovs;
  private final Path root;
  private final Path folder;
  private final String server;
  private final ControllerProcess controller;
  private final HttpClient http = HttpClient.newHttpClient();

  /**
   * Starts both.
   *
   * @param ovn OVN's entries, as ovs-ofctl reads them
   * @param ports commands of ovs-vsctl, each begun by {@code --}
   * @param more of the configuration
   * @param options of the controller's JVM
   */
  RealNode(Path root, List<String> ovn, List<String> ports, String more, String options)
      throws IOException {
    this.root = root;
    folder = Files.createTempDirectory("fmreal");
    ovs = RealSwitch.start();
    if (!ports.isEmpty()) {
      ovs.vsctl(ports.toArray(String[]::new));
    }
    put(ovn, "ovn");
    int port;
    try (ServerSocket any = new ServerSocket(0)) {
      port = any.getLocalPort();
    }
    server = "http://127.0.0.1:" + port;
    Path config = folder.resolve("flowmirror.yaml");
    Files.writeString(
        config,
        "nodes:\n  - name: n1\n    ovsdb: unix:%s\n    openflow: unix:%s\n"
                .formatted(ovs.database(), ovs.socket())
            + "northbound: {listen: \"127.0.0.1:%d\"}\n".formatted(port)
            + more);
    controller =
        new ControllerProcess(
            root, config, folder.resolve("flowmirror.log"), options + " -Xlog:gc:file=" + gcLog());
    awaitServing();
  }

  private void awaitServing() throws IOException {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      try (var socket = new Socket()) {
        socket.connect(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), URI.create(server).getPort()));
        return;
      } catch (ConnectException e) {
        if (System.nanoTime() > deadline || !controller.isRunning()) {
          throw new IOException("it does not listen: " + controller.tail(), e);
        }
        LockSupport.parkNanos(20_000_000);
      }
    }
  }

  RealSwitch ovs() {
    return ovs;
  }

  ControllerProcess controller() {
    return controller;
  }

  private Path gcLog() {
    return folder.resolve("gc.log");
  }

  /** Adds entries by one bundle of ovs-ofctl's; returns the file. */
  Path put(List<String> entries, String name) throws IOException {
    Path file = folder.resolve(name + ".flows");
    Files.write(file, entries);
    if (!entries.isEmpty()) {
      ovs.ofctl("--bundle", "add-flows", ovs.bridge(), file.toString());
    }
    return file;
  }

  int ours() {
    String said = ovs.ofctl("dump-aggregate", ovs.bridge(), OURS);
    return Integer.parseInt(said.replaceAll("(?s).*flow_count=(\\d+).*", "$1"));
  }

  /** Waits until so many entries of ours are there. */
  void await(int wanted) throws IOException {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    int there;
    while ((there = ours()) != wanted) {
      if (System.nanoTime() > deadline || !controller.isRunning()) {
        throw new IOException(
            "waited for " + wanted + " entries, " + there + " are there: " + controller.tail());
      }
      LockSupport.parkNanos(1_000_000);
    }
  }

  /** Waits until the node is as it should be. */
  void awaitInSync() throws IOException, InterruptedException {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!get("/v1/nodes/n1").contains("\"state\":\"in-sync")) {
      if (System.nanoTime() > deadline) {
        throw new IOException("it is not in sync: " + controller.tail());
      }
      LockSupport.parkNanos(20_000_000);
    }
  }

  /** What REST answers with. */
  String get(String path) throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(server + path)).timeout(PATIENCE).build();
    return http.send(request, BodyHandlers.ofString()).body();
  }

  /** How many entries a text has that REST answers with; nothing of it is kept. */
  long entriesByRest(String path) throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(server + path))
            .header("Accept", "text/plain")
            .timeout(PATIENCE)
            .build();
    HttpResponse<InputStream> answer = http.send(request, BodyHandlers.ofInputStream());
    try (InputStream in = answer.body()) {
      if (answer.statusCode() != 200) {
        throw new IOException(path + ": " + new String(in.readAllBytes(), UTF_8));
      }
      return entries(in);
    }
  }

  /** How many entries the command line prints. */
  long entriesByCommand(String... words) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(root.resolve("bin/flowmirror").toString());
    command.addAll(List.of(words));
    command.addAll(List.of("--server", server));
    return entries(command);
  }

  /** How many ovs-ofctl does. */
  long entriesByOfctl() throws IOException, InterruptedException {
    return entries(List.of("ovs-ofctl", "-O", "OpenFlow13", "dump-flows", ovs.bridge()));
  }

  private long entries(List<String> command) throws IOException, InterruptedException {
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    Process process = builder.redirectError(folder.resolve("stderr").toFile()).start();
    long count = entries(process.getInputStream());
    if (process.waitFor() != 0) {
      throw new IOException(command + ": " + Files.readString(folder.resolve("stderr")));
    }
    return count;
  }

  private static long entries(InputStream in) throws IOException {
    BufferedReader lines = new BufferedReader(new InputStreamReader(in, UTF_8), 1 << 16);
    long count = 0;
    for (String line; (line = lines.readLine()) != null; ) {
      // One with a field that has no name here is printed as a comment.
      if (line.contains(" actions=")) {
        count++;
      }
    }
    return count;
  }

  /** The most of the heap that a collection has left so far, in MiB (-Xlog:gc). */
  double mostLeftOnHeapMib() throws IOException {
    double most = 0;
    for (String line : Files.readAllLines(gcLog())) {
      String left = line.replaceAll(".*->(\\d+)M\\(\\d+M\\).*", "$1");
      if (left.length() < line.length()) {
        most = Math.max(most, Double.parseDouble(left));
      }
    }
    return most;
  }

  /** OVN's entries of a pod, as far as Flowmirror reads them. */
  static List<String> ovn(int ofport, int datapath, int port) {
    return List.of(
        ("table=0,priority=100,cookie=0x934f4ce2,in_port=%d"
                + " actions=load:%d->NXM_NX_REG13[],load:1->NXM_NX_REG11[],"
                + "load:2->NXM_NX_REG12[],load:%d->OXM_OF_METADATA[],"
                + "load:%d->NXM_NX_REG14[],resubmit(,8)")
            .formatted(ofport, port, datapath, port),
        "table=65,priority=100,cookie=0x934f4ce2,reg15=%d,metadata=%d actions=output:%d"
            .formatted(port, datapath, ofport));
  }

  /** So many entries like OVN's of logical switches, by chance, in tables that nobody reads. */
  static List<String> foreign(int count, long seed) {
    Random random = new Random(seed);
    List<String> entries = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      int table = 8 + i % 32;
      int mac = random.nextInt(1 << 24);
      String match =
          switch (i % 4) {
            case 0 ->
                "dl_dst=0a:00:%02x:%02x:%02x:01".formatted(mac >> 16, mac >> 8 & 255, mac & 255);
            case 1 ->
                "ip,reg14=%d,nw_src=10.%d.%d.%d"
                    .formatted(1 + i % 250, i >> 16, i >> 8 & 255, i & 255);
            case 2 ->
                "tcp,reg15=%d,ct_state=+new-est+trk,tp_dst=%d"
                    .formatted(1 + i / 60_000, i % 60_000);
            default ->
                "arp,reg14=%d,arp_tpa=10.%d.%d.%d"
                    .formatted(1 + i % 250, i >> 16, i >> 8 & 255, i & 255);
          };
      entries.add(
          ("table=%d,priority=%d,cookie=0x%x,metadata=%d,%s"
                  + " actions=load:0x%x->NXM_NX_REG15[],resubmit(,%d)")
              .formatted(
                  table,
                  50 + i % 50,
                  random.nextInt() & 0xffffffffL,
                  1 + i % 200,
                  match,
                  i % 250,
                  table + 1));
    }
    return entries;
  }

  @Override
  public void close() throws IOException {
    controller.close();
    ovs.close();
    try (var files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(folder);
  }
}
