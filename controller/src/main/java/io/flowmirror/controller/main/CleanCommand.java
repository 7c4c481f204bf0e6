// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.flowmirror.config.Settings;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.controller.reconcile.Reconciler;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code flowmirror clean}: removes what is ours, and only that, from every node. */
@Command(
    name = "clean",
    description = "Remove our entries and our mirror port, and only ours, from every node.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nExamples:%n",
    footer = "  flowmirror clean --config flowmirror.yaml")
final class CleanCommand implements Callable<Integer> {
  @Mixin private final ConfigOptions config = new ConfigOptions();

  @Option(
      names = "--timeout",
      defaultValue = "30",
      paramLabel = "SECONDS",
      description = "How long to try (default: ${DEFAULT-VALUE}).")
  private int timeout;

  @Option(
      names = "--force",
      description =
          "Clean nodes on which another controller is at work, too. End that one first: it has its"
              + " lock back when this is done, and makes its entries again.")
  private boolean force;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws InterruptedException {
    Timeout.check(spec, timeout);
    ConfigOptions.WithNodes nodes = config.readWithNodes();
    Settings settings = nodes.settings();
    PrintWriter out = spec.commandLine().getOut();
    ImmutableMap<String, NodeStatus> statuses =
        Awaiting.run(
            settings,
            Reconciler.Mode.CLEAN,
            force,
            Duration.ofSeconds(timeout),
            status -> status.isClean() || isAnothers(status));
    boolean clean = statuses.size() == settings.nodes().size() && nodes.leftOut().isEmpty();
    nodes.leftOut().forEach((node, why) -> out.println(node + ": NOT clean: " + why));
    for (var entry : statuses.entrySet()) {
      NodeStatus status = entry.getValue();
      if (status.isClean()) {
        out.println(entry.getKey() + ": clean");
      } else {
        clean = false;
        out.println(entry.getKey() + ": NOT clean: " + whatIsLeft(status));
      }
    }
    if (statuses.values().stream().anyMatch(CleanCommand::isAnothers)) {
      return Flowmirror.REFUSED;
    }
    return clean ? Flowmirror.DONE : Flowmirror.FAILED;
  }

  private static String whatIsLeft(NodeStatus status) {
    ImmutableList.Builder<String> left = ImmutableList.builder();
    left.addAll(status.complaints());
    if (status.node().datapath().isEmpty() || !status.node().bridgeConfirmed()) {
      left.add("the node has not answered");
    } else {
      left.add(status.diff().changes().size() + " entries to remove");
      left.add(status.plan().removableRows().size() + " ports to remove");
    }
    return String.join("; ", left.build());
  }

  private static boolean isAnothers(NodeStatus status) {
    return status.writer() == NodeStatus.Writer.ANOTHER;
  }
}
