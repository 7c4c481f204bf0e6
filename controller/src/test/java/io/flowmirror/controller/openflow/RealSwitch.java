// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.awaitility.Awaitility.await;

import com.google.common.base.Splitter;
import io.flowmirror.controller.transport.Endpoint;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A real ovs-vswitchd with an ovsdb-server of its own and a br-int in the userspace datapath, in a
 * network namespace and a state directory of its own. Nothing outside of them is touched, and only
 * processes that were started here are ended.
 */
public final class RealSwitch implements AutoCloseable {
  private static final String SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema";
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private final Path state;
  private final String namespace;
  private @Nullable Process database;
  private @Nullable Process daemon;

  private RealSwitch(Path state, String namespace) {
    this.state = state;
    this.namespace = namespace;
  }

  /** Starts a switch; fails, and does not skip, where that is impossible. */
  public static RealSwitch start() {
    if (!System.getProperty("user.name").equals("root")
        || !Files.exists(Path.of(SCHEMA))
        || !Files.isExecutable(Path.of("/usr/sbin/ovs-vswitchd"))) {
      throw new IllegalStateException(
          "this test needs root and Open vSwitch (package openvswitch-switch): run `make test`");
    }
    try {
      // A unix socket's path has at most 107 characters.
      Path state = Files.createTempDirectory(Path.of("/tmp"), "fmof");
      RealSwitch started = new RealSwitch(state, state.getFileName().toString());
      try {
        started.up();
        return started;
      } catch (RuntimeException e) {
        started.close();
        throw e;
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void up() {
    command("ip", "netns", "add", namespace);
    command("ip", "-n", namespace, "link", "set", "lo", "up");
    command("ovsdb-tool", "create", path("conf.db"), SCHEMA);
    database =
        daemon(
            "ovsdb-server",
            path("conf.db"),
            "--remote=punix:" + path("db.sock"),
            "--unixctl=" + path("ovsdb-server.ctl"));
    exists(state.resolve("db.sock"));
    vsctl("--no-wait", "init");
    startDaemon();
    vsctl(
        "add-br",
        "br-int",
        "--",
        "set",
        "bridge",
        "br-int",
        "datapath_type=netdev",
        "fail_mode=secure",
        "other_config:hwaddr=02:00:00:00:00:01");
    exists(socket());
  }

  /** The path of the service connection's socket. */
  public Path socket() {
    return state.resolve("br-int.mgmt");
  }

  public Endpoint endpoint() {
    return Endpoint.unix(socket());
  }

  /** The path of the database's socket. */
  public Path database() {
    return state.resolve("db.sock");
  }

  /** Starts ovs-vswitchd. */
  void startDaemon() {
    daemon =
        daemon(
            "ovs-vswitchd",
            "unix:" + path("db.sock"),
            "--unixctl=" + path("ovs-vswitchd.ctl"),
            "--disable-system");
    exists(state.resolve("ovs-vswitchd.ctl"));
  }

  /** Ends ovs-vswitchd at once, like a crash. */
  void killDaemon() {
    end(daemon, true);
    daemon = null;
    delete(state.resolve("ovs-vswitchd.ctl"));
  }

  /** The process of ovs-vswitchd, which is running. */
  public long pid() {
    return daemon.pid();
  }

  /** Stops ovs-vswitchd where it stands, without ending it; or lets it go on. */
  void freeze(boolean frozen) {
    command("kill", frozen ? "-STOP" : "-CONT", Long.toString(daemon.pid()));
  }

  public String vsctl(String... arguments) {
    return run("ovs-vsctl", List.of("--db=unix:" + path("db.sock"), "--timeout=20"), arguments);
  }

  public String ofctl(String... arguments) {
    return run("ovs-ofctl", List.of("-O", "OpenFlow13", "--timeout=60"), arguments);
  }

  String appctl(String... arguments) {
    return run("ovs-appctl", List.of("-t", path("ovs-vswitchd.ctl")), arguments);
  }

  /** Adds a port with an internal interface. */
  public void addPort(String name) {
    vsctl("add-port", "br-int", name, "--", "set", "interface", name, "type=internal");
  }

  /** Adds a port with an internal interface that asks for a number. */
  void addPort(String name, int ofport) {
    vsctl(
        "add-port",
        "br-int",
        name,
        "--",
        "set",
        "interface",
        name,
        "type=internal",
        "ofport_request=" + ofport);
  }

  void removePort(String name) {
    vsctl("del-port", "br-int", name);
  }

  /** Takes an internal interface up or down. */
  void setUp(String name, boolean up) {
    command("ip", "-n", namespace, "link", "set", name, up ? "up" : "down");
  }

  /** Removes all entries and ports, of a switch that is started if it is not running. */
  void empty() {
    if (daemon == null) {
      startDaemon();
      await().atMost(PATIENCE).ignoreExceptions().until(() -> !ofctl("show", bridge()).isEmpty());
    }
    ofctl("del-flows", bridge());
    List<String> commands = new ArrayList<>(List.of("init"));
    vsctl("list-ports", "br-int")
        .lines()
        .forEach(port -> commands.addAll(List.of("--", "del-port", "br-int", port)));
    vsctl(commands.toArray(String[]::new));
  }

  /** An interface's ofport. */
  public int ofport(String name) {
    return Integer.parseInt(vsctl("get", "interface", name, "ofport").strip());
  }

  /** Adds a flow entry with ovs-ofctl, as somebody else would. */
  public void addFlow(String flow) {
    ofctl("add-flow", bridge(), flow);
  }

  /** Adds flow entries, all by one command. */
  void addFlows(List<String> flows) {
    try {
      Path file = state.resolve("flows");
      Files.write(file, flows);
      ofctl("add-flows", bridge(), file.toString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The flow entries in ovs-ofctl's syntax, without counts and times, in lexical order. */
  public List<String> flows() {
    return flows("");
  }

  /** As {@link #flows()}, those that match. */
  public List<String> flows(String match) {
    return Splitter.on('\n')
        .trimResults()
        .omitEmptyStrings()
        .splitToStream(ofctl("--no-stats", "dump-flows", bridge(), match))
        .filter(line -> !line.startsWith("OFPST_FLOW"))
        .sorted()
        .toList();
  }

  /** What Open vSwitch's own monitor tells of changes of entries, until it is closed. */
  public static final class Changes implements AutoCloseable {
    private final Process monitor;
    private final List<String> lines = new CopyOnWriteArrayList<>();

    private Changes(Process monitor) {
      this.monitor = monitor;
      Thread.ofPlatform()
          .daemon()
          .start(
              () ->
                  monitor
                      .inputReader()
                      .lines()
                      .filter(line -> line.contains("event="))
                      .forEach(lines::add));
    }

    /** One line for each change so far. */
    public List<String> lines() {
      return List.copyOf(lines);
    }

    /** Waits until a change has been told. */
    public void awaitLine(String part) {
      await().atMost(PATIENCE).until(() -> lines.stream().anyMatch(line -> line.contains(part)));
    }

    @Override
    public void close() {
      monitor.destroy();
    }
  }

  /** Begins to listen to changes of entries of all tables. */
  public Changes changes() {
    try {
      Changes changes =
          new Changes(
              new ProcessBuilder(
                      "ovs-ofctl",
                      "--unixctl=" + path("monitor.ctl"),
                      "monitor",
                      bridge(),
                      "watch:!initial")
                  .redirectErrorStream(true)
                  .start());
      // It listens as soon as it tells of something.
      String probe = "cookie=0x99,table=8,priority=1,actions=drop";
      await()
          .atMost(PATIENCE)
          .until(
              () -> {
                addFlow(probe);
                return changes.lines.stream().anyMatch(line -> line.contains("cookie=0x99"));
              });
      ofctl("del-flows", bridge(), "cookie=0x99/-1");
      changes.awaitLine("event=DELETED");
      changes.lines.clear();
      return changes;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What ovs-ofctl calls this bridge. */
  public String bridge() {
    return "unix:" + socket();
  }

  private String path(String name) {
    return state.resolve(name).toString();
  }

  private static String run(String tool, List<String> options, String... arguments) {
    List<String> command = new ArrayList<>(List.of(tool));
    command.addAll(options);
    Arrays.stream(arguments).filter(argument -> !argument.isEmpty()).forEach(command::add);
    return command(command.toArray(String[]::new));
  }

  /** Runs a command to its end and returns what it printed; fails if the command does. */
  public static String command(String... command) {
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      process.getOutputStream().close();
      String output = new String(process.getInputStream().readAllBytes(), UTF_8);
      if (process.waitFor() != 0) {
        throw new IllegalStateException(String.join(" ", command) + ": " + output);
      }
      return output;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private Process daemon(String... command) {
    // "ip netns exec" becomes the command itself, so that its process is the daemon's.
    List<String> inNamespace = new ArrayList<>(List.of("ip", "netns", "exec", namespace));
    inNamespace.addAll(List.of(command));
    File log = state.resolve(command[0] + ".log").toFile();
    ProcessBuilder builder =
        new ProcessBuilder(inNamespace)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log));
    for (String variable : List.of("OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR", "OVS_SYSCONFDIR")) {
      builder.environment().put(variable, state.toString());
    }
    try {
      return builder.start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void exists(Path path) {
    await().atMost(PATIENCE).pollInterval(Duration.ofMillis(10)).until(() -> Files.exists(path));
  }

  private static void end(@Nullable Process process, boolean forcibly) {
    if (process == null) {
      return;
    }
    try {
      if (forcibly) {
        process.destroyForcibly();
      } else {
        process.destroy();
      }
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly().waitFor();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void delete(Path path) {
    try {
      Files.deleteIfExists(path);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    end(daemon, false);
    end(database, false);
    if (Files.exists(Path.of("/run/netns", namespace))) {
      command("ip", "netns", "del", namespace);
    }
    try (Stream<Path> files = Files.walk(state)) {
      files
          .sorted(Comparator.reverseOrder())
          .collect(Collectors.toList())
          .forEach(RealSwitch::delete);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
