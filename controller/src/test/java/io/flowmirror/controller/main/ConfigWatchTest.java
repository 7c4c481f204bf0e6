// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.flowmirror.config.Settings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

final class ConfigWatchTest {
  private static final String NODES =
      "nodes: [{name: n1, ovsdb: 'unix:/a/db.sock', openflow: 'unix:/a/br-int.mgmt'}]\n";

  private final List<Settings> changes = new CopyOnWriteArrayList<>();
  @TempDir private Path folder;
  private ConfigWatch watch;

  @AfterEach
  void close() {
    watch.close();
  }

  private void follow(Path file, String... more) {
    ConfigOptions options = new ConfigOptions();
    CommandSpec command = CommandSpec.create();
    command.addMixin("config", CommandSpec.forAnnotatedObject(options));
    List<String> arguments = new ArrayList<>(List.of("--config", file.toString()));
    arguments.addAll(List.of(more));
    new CommandLine(command).parseArgs(arguments.toArray(String[]::new));
    watch = ConfigWatch.start(options, options.read(), changes::add);
  }

  private static String mirrors(String... pods) {
    return NODES + "mirrors: [" + String.join(", ", pods) + "]\n";
  }

  private static final String WEB = "{pod: default/web}";
  private static final String DB = "{pod: default/db}";

  private void awaitMirrors(int count) {
    await().until(() -> watch.inForce().mirrors().size() == count);
    assertThat(changes.getLast()).isEqualTo(watch.inForce());
  }

  @Test
  void everyGoodChangeIsHandedOnOnce() throws IOException {
    Path file = Files.writeString(folder.resolve("f.yaml"), mirrors(WEB));
    follow(file);
    Files.writeString(file, mirrors(WEB, DB));
    awaitMirrors(2);
    Files.writeString(file, mirrors());
    awaitMirrors(0);
    assertThat(changes).hasSize(2);
  }

  /** As kubelet mounts a ConfigMap: a link to a folder that is swapped for another. */
  @Test
  void aFileBehindALinkThatIsSwappedIsNoticed() throws IOException {
    Files.writeString(Files.createDirectory(folder.resolve("v1")).resolve("f.yaml"), mirrors(WEB));
    Files.writeString(Files.createDirectory(folder.resolve("v2")).resolve("f.yaml"), mirrors(DB));
    Path data = Files.createSymbolicLink(folder.resolve("..data"), Path.of("v1"));
    Path file = Files.createSymbolicLink(folder.resolve("f.yaml"), Path.of("..data/f.yaml"));
    follow(file);
    assertThat(watch.inForce().mirrors().get(0).pod()).isEqualTo("web");
    Path next = Files.createSymbolicLink(folder.resolve("..next"), Path.of("v2"));
    Files.move(next, data, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    await().until(() -> watch.inForce().mirrors().get(0).pod().equals("db"));
  }

  /** Each stays long enough to be looked at, which the log tells. */
  @Test
  void aWrongFileAndNoneLeaveWhatIsInForce() throws IOException {
    Path file = Files.writeString(folder.resolve("f.yaml"), mirrors(WEB));
    Logger log = (Logger) LoggerFactory.getLogger(ConfigWatch.class);
    ListAppender<ILoggingEvent> said = new ListAppender<>();
    said.list = new CopyOnWriteArrayList<>();
    said.start();
    log.addAppender(said);
    try {
      follow(file);
      Settings first = watch.inForce();
      Files.writeString(file, "hold: 1s\n" + mirrors(WEB, DB));
      await().until(() -> said.list.toString().contains("changed, and wrong"));
      assertThat(said.list.toString()).contains("f.yaml:1: hold: found \"1s\"");
      Files.delete(file);
      await().until(() -> said.list.toString().contains("is gone; what was in force"));
      Files.writeString(file, mirrors(WEB));
      await().until(() -> said.list.toString().contains("means the same as before"));
      assertThat(changes).isEmpty();
      assertThat(watch.inForce()).isSameAs(first);
    } finally {
      log.detachAppender(said);
    }
  }

  /** The flags go on to take the place of the file's keys. */
  @Test
  void theFlagsStay() throws IOException {
    Path file = Files.writeString(folder.resolve("f.yaml"), mirrors(WEB));
    follow(file, "--mirror-iface", "tap9");
    Files.writeString(file, "mirror-iface: tap1\n" + mirrors(WEB, DB));
    awaitMirrors(2);
    assertThat(watch.inForce().mirrorIface()).isEqualTo("tap9");
  }
}
