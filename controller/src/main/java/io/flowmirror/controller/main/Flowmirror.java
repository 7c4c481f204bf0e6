// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.google.common.collect.ImmutableSet;
import io.flowmirror.config.ConfigException;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/**
 * The program. Exit codes: 0 done, or stopped by a signal; 1 not (all) done; 2 the command line or
 * the configuration is wrong and nothing was started; 3 another controller is at work.
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
  static final int REFUSED = 3;

  /** Read by logback.xml. */
  private static final String LOG_LEVEL = "FLOWMIRROR_LOG";

  /** Read by logback.xml, which has an appender of each of these names. */
  private static final String LOG_FORMAT = "FLOWMIRROR_LOG_FORMAT";

  private static final ImmutableSet<String> LOG_FORMATS = ImmutableSet.of("text", "json");

  private Flowmirror() {}

  /** Runs one command and exits with its code. */
  public static void main(String[] args) {
    if (args.length > 0 && !args[0].equals("run")) {
      // A command that prints its result says on standard error only what went wrong.
      quiet();
    }
    String format = System.getenv().getOrDefault(LOG_FORMAT, "text");
    if (!LOG_FORMATS.contains(format)) {
      System.err.println(
          "the environment's " + LOG_FORMAT + " is \"" + format + "\"; expected text or json");
      System.exit(WRONG);
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
              commandLine.getErr().println("flowmirror: a fault of ours: " + exception);
              LoggerFactory.getLogger(Flowmirror.class).debug("a fault of ours", exception);
              return FAILED;
            });
  }
}
