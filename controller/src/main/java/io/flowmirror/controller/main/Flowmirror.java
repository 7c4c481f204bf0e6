// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.config.ConfigException;
import java.io.PrintWriter;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The program. Exit codes: 0 done, or stopped by a signal; 1 not (all) done; 2 the command line or
 * the configuration is wrong and nothing was started; 3 another controller is at work, or the one
 * that was asked refuses.
 */
@Command(
    name = "flowmirror",
    description = "Mirrors pods' traffic on Kube-OVN's br-int by explicit OpenFlow entries.",
    mixinStandardHelpOptions = true,
    version = "flowmirror 0.1.0",
    synopsisSubcommandLabel = "COMMAND",
    footer = {
      "",
      "run, clean, and flows with --config, use a configuration file and reach the nodes themselves;"
          + " the others ask a running controller (--server).",
      "",
      "Exit codes: 0 done; 1 not done, or not all; 2 the command line or the configuration is wrong,"
          + " and nothing was done; 3 refused: by the controller that is asked, or since another"
          + " controller is at work.",
      "",
      "Examples:",
      "  flowmirror nodes",
      "  flowmirror mirror on shop/cart --for 30m",
      "  flowmirror explain shop/cart",
      "  flowmirror capture shop/cart | wireshark -k -i -"
    })
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

  /** Named here beside their annotation, since to read that takes time. */
  private static final ImmutableMap<String, Class<?>> COMMANDS =
      ImmutableMap.<String, Class<?>>builder()
          .put("run", RunCommand.class)
          .put("clean", CleanCommand.class)
          .put("nodes", NodesCommand.class)
          .put("pods", PodsCommand.class)
          .put("mirror", MirrorCommand.class)
          .put("global", GlobalCommand.class)
          .put("flows", FlowsCommand.class)
          .put("explain", ExplainCommand.class)
          .put("audit", AuditCommand.class)
          .put("events", EventsCommand.class)
          .put("history", HistoryCommand.class)
          .put("capture", CaptureCommand.class)
          .put("completion", CompletionCommand.class)
          .buildOrThrow();

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
    System.exit(execute(args));
  }

  private static int execute(String... args) {
    try {
      return only(args).execute(args);
    } catch (Throwable e) {
      // Memory that is short, or classes that are not there: still not a stack trace.
      System.err.println("flowmirror: a fault of ours: " + e);
      return FAILED;
    }
  }

  private static void quiet() {
    if (System.getenv(LOG_LEVEL) == null) {
      System.setProperty(LOG_LEVEL, "WARN");
    }
  }

  /**
   * With the one command that is asked for: the classes of the others, and of all that they need,
   * are not loaded for a short question.
   */
  private static CommandLine only(String... args) {
    Class<?> command = args.length == 0 ? null : COMMANDS.get(args[0]);
    return command == null
        ? commandLine()
        : inOneLine(new CommandLine(new Flowmirror()).addSubcommand(command));
  }

  /** The command line with all commands, which may be used once. */
  public static CommandLine commandLine() {
    CommandLine root = new CommandLine(new Flowmirror());
    COMMANDS.values().forEach(root::addSubcommand);
    return inOneLine(root);
  }

  /** Has the commands that it has say what went wrong in one line. */
  private static CommandLine inOneLine(CommandLine root) {
    return root.setParameterExceptionHandler((exception, args) -> wrong(exception))
        .setExecutionExceptionHandler(
            (exception, commandLine, parsed) -> fault(exception, commandLine.getErr()));
  }

  private static int wrong(ParameterException exception) {
    CommandLine command = exception.getCommandLine();
    PrintWriter err = command.getErr();
    err.println("flowmirror: " + exception.getMessage());
    UnmatchedArgumentException.printSuggestions(exception, err);
    if (command.getSubcommands().isEmpty()) {
      err.println(command.getCommandSpec().qualifiedName() + " --help says more");
    } else {
      command.usage(err);
    }
    return WRONG;
  }

  private static int fault(Exception exception, PrintWriter err) {
    if (exception instanceof ConfigException) {
      err.println(exception.getMessage());
      return WRONG;
    }
    if (exception instanceof RemoteException remote) {
      err.println("flowmirror: " + remote.line());
      return remote.exitCode();
    }
    err.println("flowmirror: a fault of ours: " + exception);
    LoggerFactory.getLogger(Flowmirror.class).debug("a fault of ours", exception);
    return FAILED;
  }
}
