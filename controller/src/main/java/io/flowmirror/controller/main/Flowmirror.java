// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import io.flowmirror.config.ConfigException;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/**
 * The program. Exit codes: 0 done, 1 not (all) done, 2 the command line or the configuration is
 * wrong and nothing was started.
 */
@Command(
    name = "flowmirror",
    description = "Mirrors pods' traffic on Kube-OVN's br-int by explicit OpenFlow entries.",
    mixinStandardHelpOptions = true,
    version = "flowmirror 0.1.0",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {RunCommand.class, CleanCommand.class, FlowsCommand.class})
public final class Flowmirror {
  static final int DONE = 0;
  static final int FAILED = 1;
  static final int WRONG = 2;

  /** Read by logback.xml. */
  private static final String LOG_LEVEL = "FLOWMIRROR_LOG";

  private Flowmirror() {}

  /** Runs one command and exits with its code. */
  public static void main(String[] args) {
    if (args.length > 0 && !args[0].equals("run")) {
      // A command that prints its result says on standard error only what went wrong.
      quiet();
    }
    System.exit(commandLine().execute(args));
  }

  private static void quiet() {
    if (System.getenv(LOG_LEVEL) == null) {
      System.setProperty(LOG_LEVEL, "WARN");
    }
  }

  static CommandLine commandLine() {
    return new CommandLine(new Flowmirror())
        .setExecutionExceptionHandler(
            (exception, commandLine, parsed) -> {
              if (exception instanceof ConfigException) {
                commandLine.getErr().println(exception.getMessage());
                return WRONG;
              }
              throw exception;
            });
  }
}
