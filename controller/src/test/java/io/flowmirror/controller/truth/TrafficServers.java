// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import com.google.common.collect.Lists;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** The servers of the tools, in network namespaces. {@link #close} ends them all. */
final class TrafficServers implements AutoCloseable {
  private final Path folder;
  private final List<Program> servers = new ArrayList<>();

  /**
   * None yet.
   *
   * @param folder for their files
   */
  TrafficServers(Path folder) {
    this.folder = folder;
  }

  /** Starts those of qperf and iperf3, and waits until they listen. */
  void messages(String netns) {
    start(netns, "exec qperf", TrafficLoad.QPERF_PORT);
    start(netns, "exec iperf3 -s", TrafficLoad.IPERF_PORT);
  }

  /** Starts a web server at port 80, and waits until it listens. */
  void requests(String netns) {
    start(netns, nginx(netns), 80);
  }

  private void start(String netns, String script, int port) {
    Program server = Program.start("ip", "netns", "exec", netns, "sh", "-c", script);
    servers.add(server);
    Wait.until(
        script + " to listen",
        () ->
            server.isRunning()
                && !Program.run("ip", "netns", "exec", netns, "ss", "-Hlnt", "sport = " + port)
                    .isBlank(),
        () -> server.isRunning() ? "it does not" : server.output());
  }

  /** One worker, a body of two bytes, and connections that are kept. */
  private String nginx(String netns) {
    Path work = folder.resolve(netns);
    try {
      Files.createDirectories(work);
      String paths =
          List.of("client_body", "proxy", "fastcgi", "uwsgi", "scgi").stream()
              .map(kind -> kind + "_temp_path " + work.resolve(kind) + ";\n")
              .collect(Collectors.joining());
      Files.writeString(
          work.resolve("nginx.conf"),
          "daemon off; master_process off; user root; pid "
              + work.resolve("pid")
              + ";\n"
              + "error_log "
              + work.resolve("error.log")
              + ";\n"
              + "events { worker_connections 1024; }\n"
              + "http { access_log off; keepalive_requests 1000000000;\n"
              + paths
              + "server { listen 80; return 200 ok; } }\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return "exec nginx -e " + work.resolve("error.log") + " -c " + work.resolve("nginx.conf");
  }

  @Override
  public void close() {
    Lists.reverse(servers).forEach(Program::close);
    servers.clear();
  }
}
