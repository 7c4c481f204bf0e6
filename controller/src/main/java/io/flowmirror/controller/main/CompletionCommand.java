// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import java.io.PrintWriter;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code flowmirror completion}: what a shell needs to complete command lines. */
@Command(
    name = "completion",
    description = "Print a script that has a shell complete this program's command lines.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nExamples:%n",
    footer = {
      "  source <(flowmirror completion bash)",
      "  flowmirror completion bash >/etc/bash_completion.d/flowmirror",
      "  source <(flowmirror completion zsh)"
    })
final class CompletionCommand implements Callable<Integer> {
  /** The shells, for a shell that completes them. */
  static final class Shells implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return List.of("bash", "zsh").iterator();
    }
  }

  @Parameters(
      paramLabel = "SHELL",
      completionCandidates = Shells.class,
      description = "bash or zsh.")
  private String shell = "";

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    if (!List.of("bash", "zsh").contains(shell)) {
      throw new ParameterException(
          spec.commandLine(), "SHELL: found " + Table.shown(shell) + "; expected bash or zsh");
    }
    PrintWriter out = spec.commandLine().getOut();
    // One script for both: it has zsh understand bash's completions by itself.
    out.println(AutoComplete.bash("flowmirror", Flowmirror.commandLine()));
    out.flush();
    return Flowmirror.DONE;
  }
}
