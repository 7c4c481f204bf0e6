// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

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

  @Test
  void aWrongFileAndNoneLeaveWhatIsInForce() throws IOException {
    Path file = Files.writeString(folder.resolve("f.yaml"), mirrors(WEB));
    follow(file);
    Settings first = watch.inForce();
    Files.writeString(file, "nodes: [");
    Files.delete(file);
    Files.writeString(file, "hold: 1s\n" + mirrors(WEB));
    // A good one after it shows that the wrong ones had been looked at, or passed over.
    Files.writeString(file, mirrors(WEB, DB));
    awaitMirrors(2);
    assertThat(changes).hasSize(1);
    Files.writeString(file, mirrors(WEB));
    awaitMirrors(1);
    assertThat(watch.inForce()).isEqualTo(first);
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
