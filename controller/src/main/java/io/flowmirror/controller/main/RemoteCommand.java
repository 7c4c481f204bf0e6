// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import java.io.PrintWriter;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** A command that asks a running controller. */
abstract class RemoteCommand implements Callable<Integer> {
  @Mixin private final ServerOptions server = new ServerOptions();

  @Spec private @Nullable CommandSpec spec;

  /** The controller that is asked. */
  final Remote remote() {
    return server.connect();
  }

  /** Where the result goes. */
  final PrintWriter out() {
    return spec().commandLine().getOut();
  }

  /** Where a word beside the result goes, in one line. */
  final void say(String line) {
    PrintWriter err = spec().commandLine().getErr();
    err.println("flowmirror: " + line);
    err.flush();
  }

  /** The command line is wrong. */
  final ParameterException wrong(String problem) {
    return new ParameterException(spec().commandLine(), problem);
  }

  private CommandSpec spec() {
    if (spec == null) {
      throw new IllegalStateException("not made by picocli");
    }
    return spec;
  }
}
