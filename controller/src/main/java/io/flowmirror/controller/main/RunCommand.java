// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.google.inject.Guice;
import io.flowmirror.config.Settings;
import io.flowmirror.controller.reconcile.Reconciler;
import io.flowmirror.controller.reconcile.Sessions;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code flowmirror run}: mirrors until it is told to stop. */
@Command(
    name = "run",
    description = "Mirror what the configuration asks for, until stopped. Entries stay for `hold'.",
    mixinStandardHelpOptions = true)
final class RunCommand implements Callable<Integer> {
  private static final Logger log = LoggerFactory.getLogger(RunCommand.class);

  @Mixin private final ConfigOptions config = new ConfigOptions();

  @Override
  public Integer call() throws InterruptedException {
    Settings settings = config.read();
    Sessions sessions = Guice.createInjector(new ControllerModule()).getInstance(Sessions.class);
    CountDownLatch stopped = new CountDownLatch(1);
    Reconciler reconciler =
        Reconciler.start(settings, Reconciler.Mode.MIRROR, sessions, new StatusLog());
    Runtime.getRuntime()
        .addShutdownHook(
            Thread.ofPlatform()
                .name("shutdown")
                .unstarted(
                    () -> {
                      reconciler.close();
                      sessions.close();
                      log.info(
                          "stopped; entries stay as they are for at most {} s",
                          settings.hold().toSeconds());
                      stopped.countDown();
                    }));
    stopped.await();
    return Flowmirror.DONE;
  }
}
