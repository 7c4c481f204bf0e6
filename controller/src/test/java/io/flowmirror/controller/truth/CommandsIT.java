// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Iterables;
import io.flowmirror.controller.main.Flowmirror;
import io.flowmirror.controller.truth.PcapReader.Captured;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * The command line, which asks a controller that is another process, on real Open vSwitch and OVN.
 * The configuration mirrors demo/db alone. What runs for a while, or is about how a process ends,
 * is {@code bin/flowmirror} itself; the short questions are asked in this JVM, which takes a
 * hundredth of the time.
 */
@ExtendWith(SharedCluster.class)
final class CommandsIT {
  private static final Duration PATIENCE = Duration.ofSeconds(90);
  private static final Pattern URL = Pattern.compile("northbound: (http://\\S+)");
  private static final String WEB = "demo/web";

  /** What a command has written, and its exit code. */
  private record Done(int code, String out, String err) {}

  @TempDir private static Path folder;
  private static String url = "";
  private static @Nullable Running controller;

  private final List<Running> running = new ArrayList<>();

  @BeforeAll
  static void startController(Cluster cluster) throws IOException {
    StringBuilder yaml = new StringBuilder("mirrors: [{pod: demo/db}]\n");
    yaml.append("northbound: {listen: '127.0.0.1:0'}\nnodes:\n");
    Cluster.NODES.forEach(node -> yaml.append(NodeAddress.unix(cluster, node).yaml()));
    Path file = Files.writeString(folder.resolve("flowmirror.yaml"), yaml);
    Running started = new Running(folder, List.of(program(), "run", "--config", file.toString()));
    controller = started;
    started.awaitError("northbound: http://");
    Matcher found = URL.matcher(started.err());
    assertThat(found.find()).isTrue();
    url = found.group(1);
    until("n1 to be in sync", () -> command("nodes", "n1").out().contains("in-sync\n"));
  }

  @AfterAll
  static void stopController(Cluster cluster) {
    Running started = controller;
    if (started != null) {
      started.kill("TERM");
      RunningController.clean(cluster);
    }
  }

  @AfterEach
  void stopAll() {
    running.forEach(each -> each.kill("KILL"));
    command("mirror", "off", WEB);
  }

  @Test
  void everyCommandAnswersForPeopleAndForPrograms() throws IOException {
    Running nodes = start("nodes");
    assertThat(nodes.exitCode()).as(nodes.err()).isZero();
    assertThat(nodes.out())
        .startsWith("NAME  STATE ")
        .containsPattern("(?m)^n1 +in-sync +us +mirror0 up +4 +1 +4 ");
    assertThat(command("pods", "--mirrored").out())
        .containsPattern("(?m)^demo/db +n1 +[0-9]+ +mirrored +both .*the configuration$");
    assertThat(command("mirror", "list").out()).containsPattern("demo/db +both +configuration");
    assertThat(command("global").out()).containsPattern("(?m)^configured +- +off");
    Done audit = command("audit", "n1");
    assertThat(audit.code()).as(audit.err()).isZero();
    assertThat(command("history").out()).contains("n1  in-sync");
    JsonNode json =
        JsonMapper.builder().build().readTree(command("pods", "demo/db", "-o", "json").out());
    JsonNode yaml = new YAMLMapper().readTree(command("pods", "demo/db", "-o", "yaml").out());
    assertThat(json.path("interfaces").path(0).path("state").asText()).isEqualTo("mirrored");
    // Counters may go on between the two.
    assertThat(yaml.path("interfaces").path(0).path("port"))
        .isEqualTo(json.path("interfaces").path(0).path("port"));
  }

  @Test
  void exitCodes() {
    assertThat(command("explain", "demo/nobody").code()).isEqualTo(1);
    assertThat(command("pods", "demo/nobody"))
        .isEqualTo(
            new Done(
                1,
                "",
                "flowmirror: demo/nobody is on no node's br-int, and nobody asks for it;"
                    + " .../explain says more\n"));
    assertThat(command("nodes", "n9").code()).isEqualTo(1);
    assertThat(command("pods", "nobody").code()).isEqualTo(2);
    assertThat(command("nodes", "--server", "nowhere").code()).isEqualTo(2);
    Done far = command("capture", "demo/far", "-w", folder + "/far.pcap");
    assertThat(far.code()).isEqualTo(1);
    assertThat(far.err()).contains("demo/far is on node n2", "run this on that node");
    assertThat(folder.resolve("far.pcap")).doesNotExist();
  }

  /** The identity of dumps: what ovs-ofctl prints of ours is what we print. */
  @Test
  void plainFlowsAreThoseOfOvsOfctl(Cluster cluster) {
    command("mirror", "on", WEB);
    until("web to be mirrored", () -> isMirrored(WEB));
    String theirs =
        Program.run(
            "ovs-ofctl",
            "-O",
            "OpenFlow13",
            "--no-stats",
            "dump-flows",
            "unix:" + cluster.path("n1.br_int_mgmt"),
            "cookie=0x464d000000000000/0xffff000000000000");
    Done ours = command("flows", "--node", "n1", "--plain");
    assertThat(ours.code()).isZero();
    assertThat(ours.out().lines().sorted().toList())
        .hasSize(7)
        .isEqualTo(theirs.lines().filter(line -> line.contains("actions=")).sorted().toList());
    String asked = command("flows", "--pod", WEB).out();
    assertThat(asked)
        .startsWith("# node n1: dpid ")
        .contains("\n# demo/web: copies what the pod sends [installed");
    // The entries are written alike whoever is asked, and whatever of them.
    ImmutableSet<String> lines = ImmutableSet.copyOf(entries(asked));
    assertThat(theirs.lines().map(String::strip).toList()).containsAll(lines);
    String changes = command("flows", "--node", "n1", "--since", "10m").out();
    assertThat(changes)
        .startsWith("# node n1: ")
        .contains(" added demo/web")
        .contains("\n+" + Iterables.getLast(lines) + "\n");
    String config = folder.resolve("flowmirror.yaml").toString();
    Running direct =
        new Running(folder, List.of(program(), "flows", "--config", config, "--node", "n1"));
    running.add(direct);
    assertThat(direct.exitCode()).as(direct.err()).isZero();
    // Of what is asked for by REST a configuration knows nothing.
    assertThat(direct.out()).contains("[surplus, age ");
    assertThat(entries(direct.out())).containsAll(lines);
    Done ovns = command("flows", "--pod", WEB, "--owner", "ovn", "--table", "65", "--plain");
    assertThat(ovns.out()).contains("table=65, priority=100,reg15=");
  }

  private static ImmutableList<String> entries(String text) {
    return text.lines()
        .filter(line -> !line.startsWith("#"))
        .collect(ImmutableList.toImmutableList());
  }

  @Test
  void eventsAreFollowed() {
    Running events = start("events", "--follow", "--last", "1", "--kind", "request");
    // It follows when it has said what was before.
    until(
        "the request to be told",
        () -> {
          command("mirror", "on", WEB);
          command("mirror", "off", WEB);
          return events.out().contains("local does not ask for a mirror of demo/web any more");
        });
    events.kill("TERM");
    assertThat(events.exitCode()).isZero();
  }

  /** Exactly the pod's frames, beside those of another mirrored pod; and nothing stays. */
  @Test
  void aCaptureIsThePodsFramesAndEndsWithSigint(Cluster cluster) throws IOException {
    Path file = folder.resolve("web.pcap");
    Pod web = cluster.pod("web");
    String netns = cluster.path("n1.netns");
    Running capture = start("capture", WEB, "--netns", netns, "-w", file.toString());
    capture.awaitError("capturing demo/web at mirror0 of n1: ether host " + web.mac());
    List<Frame> seen;
    try (Capture in = Capture.start(web.netns(), "eth0", Capture.Side.IN);
        Capture out = Capture.start(web.netns(), "eth0", Capture.Side.OUT)) {
      web.start("ping -c5 -i0.2 " + cluster.pod("far").ip4()).success(PATIENCE);
      cluster.pod("db").start("ping -c5 -i0.2 " + cluster.pod("far").ip4()).success(PATIENCE);
      web.start("ping -c5 -i0.2 " + cluster.pod("db").ip6()).success(PATIENCE);
      until(
          "a copy of each echo that eth0 saw, and of no other",
          () -> echoesOf(read(file)).equals(echoesOf(frames(in, out))));
      // What others send to many is delivered to web too, and may be db's copy.
      seen = frames(in, out).stream().filter(frame -> frame.isOf(web.mac())).toList();
    }
    capture.signal("INT");
    assertThat(capture.exitCode()).isZero();
    assertThat(command("mirror", "list").out()).doesNotContain(WEB);
    until("web not to be mirrored", () -> !isMirrored(WEB));
    assertThat(isMirrored("demo/db")).isTrue();
    List<Frame> copies = read(file);
    // The pcap began before the capture of eth0, and ended after it.
    assertThat(copies).containsAll(seen).allMatch(frame -> frame.isOf(web.mac()));
    assertThat(echoesOf(copies)).hasSizeGreaterThanOrEqualTo(12).isEqualTo(echoesOf(seen));
  }

  @Test
  void aCaptureEndsWithItsReader(Cluster cluster) {
    Running capture =
        new Running(
            folder,
            List.of(
                "sh",
                "-c",
                "\"$@\" | head -c 24 | wc -c",
                "sh",
                program(),
                "capture",
                WEB,
                "--netns",
                cluster.path("n1.netns"),
                "--server",
                url));
    running.add(capture);
    assertThat(capture.exitCode()).isZero();
    assertThat(capture.out().strip()).isEqualTo("24");
    assertThat(command("mirror", "list").out()).doesNotContain(WEB);
  }

  /** Killed, it leaves a mirror that is over within a minute, and no tcpdump. */
  @Test
  void aCaptureThatIsKilledLeavesAnEnd(Cluster cluster) throws IOException {
    String netns = cluster.path("n1.netns");
    Path file = folder.resolve("killed.pcap");
    Running capture = start("capture", WEB, "--netns", netns, "-w", file.toString());
    capture.awaitError("capturing demo/web");
    capture.kill("KILL");
    assertThat(capture.exitCode()).isEqualTo(128 + 9);
    JsonNode mirror =
        JsonMapper.builder()
            .build()
            .readTree(command("mirror", "list", "-n", "demo", "-o", "json").out())
            .path("items")
            .path(1);
    assertThat(mirror.path("pod").asText()).isEqualTo(WEB);
    assertThat(Instant.parse(mirror.path("until").asText()))
        .isBefore(Instant.now().plusSeconds(60));
    until(
        "its tcpdump to be gone",
        () ->
            Program.run("ip", "netns", "pids", netns)
                .lines()
                .noneMatch(pid -> commandOf(pid).startsWith("tcpdump\0-i\0mirror0")));
  }

  /** What somebody else asked for is as it was. */
  @Test
  void aCaptureLeavesAnothersMirrorAlone(Cluster cluster) {
    String netns = cluster.path("n1.netns");
    command("mirror", "on", WEB, "--direction", "from-pod", "--for", "1h");
    String before = command("mirror", "list", "-o", "json").out();
    Running capture =
        start("capture", WEB, "--netns", netns, "-w", folder + "/x.pcap", "--for", "1s");
    assertThat(capture.exitCode()).as(capture.err()).isZero();
    assertThat(withoutSince(command("mirror", "list", "-o", "json").out()))
        .isEqualTo(withoutSince(before));
  }

  private static String withoutSince(String mirrors) {
    return mirrors.replaceAll("\"since\" : \"[^\"]*\"", "");
  }

  private static String commandOf(String pid) {
    try {
      return Files.readString(Path.of("/proc", pid, "cmdline"));
    } catch (IOException e) {
      return "";
    }
  }

  private static boolean isMirrored(String pod) {
    return command("pods", pod).out().contains(" mirrored ");
  }

  private static List<Frame> frames(Capture in, Capture out) {
    return Stream.concat(in.since(0).stream(), out.since(0).stream()).map(Captured::frame).toList();
  }

  /** The echoes among them, in an order of their own. */
  private static List<String> echoesOf(List<Frame> frames) {
    return frames.stream().filter(CommandsIT::isEcho).map(Frame::toString).sorted().toList();
  }

  /** An echo request or reply, of ICMP or of ICMPv6. */
  private static boolean isEcho(Frame frame) {
    return switch (frame.u16(12)) {
      case 0x0800 -> frame.u8(23) == 1 && (frame.u8(34) == 0 || frame.u8(34) == 8);
      case 0x86dd -> frame.u8(20) == 58 && (frame.u8(54) == 128 || frame.u8(54) == 129);
      default -> false;
    };
  }

  /** The frames of a pcap file, which may still be written. */
  private static List<Frame> read(Path file) {
    List<Frame> frames = new ArrayList<>();
    try {
      // In the form with nanoseconds, which the reader expects.
      Process tcpdump =
          new ProcessBuilder("tcpdump", "--nano", "-r", file.toString(), "-w", "-")
              .redirectError(Redirect.DISCARD)
              .start();
      byte[] pcap = tcpdump.getInputStream().readAllBytes();
      PcapReader reader = new PcapReader(new ByteArrayInputStream(pcap));
      for (var next = reader.next(); next.isPresent(); next = reader.next()) {
        frames.add(next.get().frame());
      }
      return frames;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void until(String what, BooleanSupplier condition) {
    Running started = controller;
    Wait.until(
        what, condition, () -> started == null ? "" : "the controller said:\n" + started.err());
  }

  private static String program() {
    return Sandbox.root().resolve("bin/flowmirror").toString();
  }

  private Running start(String... arguments) {
    List<String> line = new ArrayList<>(List.of(program()));
    line.addAll(List.of(withServer(arguments)));
    Running started = new Running(folder, line);
    running.add(started);
    return started;
  }

  /** Runs a command to its end, in this JVM. */
  private static Done command(String... arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int code =
        Flowmirror.commandLine()
            .setOut(new PrintWriter(out))
            .setErr(new PrintWriter(err))
            .execute(withServer(arguments));
    return new Done(code, out.toString(), err.toString());
  }

  private static String[] withServer(String... arguments) {
    List<String> line = new ArrayList<>(List.of(arguments));
    if (!line.contains("--server")) {
      line.addAll(List.of("--server", url));
    }
    return line.toArray(String[]::new);
  }
}
