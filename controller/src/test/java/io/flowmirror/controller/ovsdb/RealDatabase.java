// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.ovsdb;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.awaitility.Awaitility.await;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;

/**
 * A real ovsdb-server and, in a network namespace of its own, a real ovs-vswitchd with the
 * userspace datapath. Its folder is short, as a unix socket's path must be.
 */
final class RealDatabase implements AutoCloseable {
  private static final Path SCHEMA = Path.of("/usr/share/openvswitch/vswitch.ovsschema");

  private final Path folder;
  private Process server;
  private Process vswitchd;

  private RealDatabase(Path folder) throws Exception {
    this.folder = folder;
    run("ovsdb-tool", "create", folder.resolve("conf.db").toString(), SCHEMA.toString());
    server = startServer();
    // What ovs-ctl does before it starts ovs-vswitchd.
    vsctl("--no-wait", "init", "--", "set", "Open_vSwitch", ".", "ovs-version=3.1.0");
    vswitchd = startVswitchd();
  }

  /** Starts both, with a bridge br-int. */
  static RealDatabase start() throws Exception {
    boolean root = "root".equals(System.getProperty("user.name"));
    if (!root || !Files.exists(SCHEMA) || !Files.isExecutable(Path.of("/usr/sbin/ovsdb-server"))) {
      throw new AssertionError(
          "this test needs root and Open vSwitch (ovsdb-server, ovs-vswitchd): run 'make test'");
    }
    RealDatabase database = new RealDatabase(Files.createTempDirectory("fm"));
    database.vsctl("add-br", "br-int", "--", "set", "Bridge", "br-int", "datapath_type=netdev");
    return database;
  }

  Path socket() {
    return folder.resolve("db.sock");
  }

  private String remote() {
    return "unix:" + socket();
  }

  /** Runs ovs-vsctl and returns what it prints; it waits until ovs-vswitchd has followed. */
  String vsctl(String... arguments) throws Exception {
    return run(vsctlCommand(arguments)).strip();
  }

  /** Starts ovs-vsctl and does not wait for its end. */
  Process startVsctl(String... arguments) throws IOException {
    return process(vsctlCommand(arguments)).start();
  }

  private String[] vsctlCommand(String... arguments) {
    List<String> command =
        new ArrayList<>(List.of("ovs-vsctl", "--db=" + remote(), "--timeout=20"));
    command.addAll(List.of(arguments));
    return command.toArray(String[]::new);
  }

  /** The names of the ports of br-int, without its local port. */
  List<String> ports() throws Exception {
    return vsctl("list-ports", "br-int").lines().toList();
  }

  void stopServer() {
    end(server);
  }

  void restartServer() throws Exception {
    server = startServer();
  }

  void restartVswitchd() throws Exception {
    end(vswitchd);
    vswitchd = startVswitchd();
  }

  private Process startServer() throws Exception {
    Process started =
        process(
                "ovsdb-server",
                folder.resolve("conf.db").toString(),
                "--remote=p" + remote(),
                "--unixctl=" + folder.resolve("db.ctl"),
                "--no-chdir",
                "-vconsole:off",
                "-vsyslog:off")
            .start();
    await("ovsdb-server listens")
        .until(() -> started.isAlive() && Files.exists(folder.resolve("db.ctl")));
    return started;
  }

  private Process startVswitchd() throws Exception {
    return process(
            "unshare",
            "--net",
            "ovs-vswitchd",
            remote(),
            "--unixctl=" + folder.resolve("vs.ctl"),
            "--no-chdir",
            "--disable-system",
            "-vconsole:off",
            "-vsyslog:off")
        .start();
  }

  private static void end(Process process) {
    process.destroy();
    try {
      process.onExit().get(10, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      process.destroyForcibly().onExit().join();
    } catch (ExecutionException | InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private String run(String... command) throws Exception {
    File output = Files.createTempFile(folder, "out", "").toFile();
    Process process = process(command).redirectOutput(output).start();
    int status = process.waitFor();
    String text = Files.readString(output.toPath(), UTF_8);
    if (status != 0) {
      throw new AssertionError(String.join(" ", command) + " failed (" + status + "): " + text);
    }
    return text;
  }

  private ProcessBuilder process(String... command) {
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD);
    builder.environment().put("OVS_RUNDIR", folder.toString());
    builder.environment().put("OVS_DBDIR", folder.toString());
    builder.environment().put("LC_ALL", "C.UTF-8");
    return builder;
  }

  @Override
  public void close() {
    end(vswitchd);
    end(server);
    await("the processes' files are gone")
        .atMost(Duration.ofSeconds(5))
        .ignoreExceptions()
        .until(
            () -> {
              try (Stream<Path> files = Files.list(folder)) {
                for (Path file : files.toList()) {
                  Files.delete(file);
                }
              }
              Files.delete(folder);
              return true;
            });
  }
}
