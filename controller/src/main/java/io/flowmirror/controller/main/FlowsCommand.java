// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.google.common.collect.ImmutableMap;
import io.flowmirror.config.Direction;
import io.flowmirror.config.Mirror;
import io.flowmirror.config.Settings;
import io.flowmirror.controller.northbound.FlowsReport;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.controller.reconcile.Reconciler;
import io.flowmirror.topology.PodName;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code flowmirror flows}: what is wanted, what is installed, and the drift. Writes nothing. */
@Command(
    name = "flows",
    description = {
      "Print wanted and installed entries in ovs-ofctl's syntax, and the drift. Writes nothing.",
      "With --config the nodes themselves are asked, and no controller has to run; without it a"
          + " running controller is."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false,
    footerHeading = "%nExamples:%n",
    footer = {
      "  flowmirror flows --pod shop/cart",
      "  flowmirror flows --node n1 --pod shop/cart --owner ovn",
      "  flowmirror flows --node n1 --view drift",
      "  flowmirror flows --node n1 --since 10m",
      "  flowmirror flows --config flowmirror.yaml --pod shop/cart",
      "  diff <(ovs-ofctl -O OpenFlow13 --no-stats dump-flows br-int \\",
      "           cookie=0x464d000000000000/0xffff000000000000 | sort) \\",
      "       <(flowmirror flows --node n1 --plain | sort)"
    })
final class FlowsCommand implements Callable<Integer> {
  /** To ask the nodes themselves. */
  @ArgGroup(exclusive = false, heading = "%nTo ask the nodes themselves:%n")
  private @Nullable ConfigOptions config;

  @Mixin private final ServerOptions server = new ServerOptions();
  @Mixin private final RemoteFlows remote = new RemoteFlows();

  @Option(names = "--node", paramLabel = "NODE", description = "Only this node.")
  private @Nullable String node;

  @Option(names = "--pod", paramLabel = "NS/POD", description = "Only this pod's entries.")
  private @Nullable String pod;

  @Option(
      names = "--timeout",
      defaultValue = "10",
      paramLabel = "SECONDS",
      description =
          "With --config: how long to wait for a node's answers (default: ${DEFAULT-VALUE}).")
  private int timeout;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws InterruptedException {
    Timeout.check(spec, timeout);
    Optional<PodName> onlyPod = Optional.ofNullable(pod).map(this::podName);
    return config == null ? askController(onlyPod) : askNodes(config, onlyPod);
  }

  private int askController(Optional<PodName> onlyPod) {
    remote.wrong(pod != null).ifPresent(this::refuse);
    boolean whole =
        remote.print(
            server.connect(),
            node,
            onlyPod.orElse(null),
            spec.commandLine().getOut(),
            line -> spec.commandLine().getErr().println("flowmirror: " + line));
    return whole ? Flowmirror.DONE : Flowmirror.FAILED;
  }

  private void refuse(String problem) {
    throw new CommandLine.ParameterException(spec.commandLine(), problem);
  }

  private int askNodes(ConfigOptions configured, Optional<PodName> onlyPod)
      throws InterruptedException {
    if (server.isGiven() || remote.isGiven()) {
      refuse(
          "--config asks the nodes themselves: what only a running controller knows goes"
              + " without it");
    }
    ConfigOptions.WithNodes nodes = configured.readWithNodes();
    Settings settings = only(nodes.settings());
    ImmutableMap<String, NodeStatus> statuses =
        Awaiting.run(
            settings,
            Reconciler.Mode.OBSERVE,
            false,
            Duration.ofSeconds(timeout),
            FlowsCommand::hasAnswered);
    PrintWriter out = spec.commandLine().getOut();
    statuses.forEach(
        (name, status) -> FlowsReport.lines(name, status, onlyPod).forEach(out::println));
    out.flush();
    boolean allReached = node != null || nodes.leftOut().isEmpty();
    if (!allReached) {
      nodes
          .leftOut()
          .forEach(
              (name, why) ->
                  spec.commandLine().getErr().println("flowmirror: node " + name + ": " + why));
    }
    return allReached
            && statuses.size() == settings.nodes().size()
            && statuses.values().stream().allMatch(FlowsCommand::hasAnswered)
        ? Flowmirror.DONE
        : Flowmirror.FAILED;
  }

  private static boolean hasAnswered(NodeStatus status) {
    return status.node().datapath().isPresent() && status.node().bridgeConfirmed();
  }

  private Settings only(Settings settings) {
    if (node == null) {
      return settings;
    }
    return settings
        .only(node)
        .orElseThrow(
            () ->
                new CommandLine.ParameterException(
                    spec.commandLine(),
                    "--node " + node + ": the configuration has no node of this name"));
  }

  private PodName podName(String text) {
    try {
      Mirror named = Mirror.of(text, Direction.BOTH);
      return new PodName(named.namespace(), named.pod());
    } catch (IllegalArgumentException e) {
      throw new CommandLine.ParameterException(
          spec.commandLine(), "--pod " + text + ": " + e.getMessage(), e);
    }
  }
}
