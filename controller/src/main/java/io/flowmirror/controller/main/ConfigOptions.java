// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import io.flowmirror.config.Overrides;
import io.flowmirror.config.Settings;
import io.flowmirror.config.SettingsReader;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that say what the configuration is; the same for every command. */
final class ConfigOptions {
  @Option(
      names = "--config",
      required = true,
      paramLabel = "FILE",
      description = "The configuration file (YAML).")
  private Path file = Path.of("");

  @Option(
      names = "--enable-mirror",
      arity = "0..1",
      fallbackValue = "true",
      paramLabel = "true|false",
      description = "Kube-OVN's flag: mirror everything on br-int. Overrides the file.")
  private @Nullable Boolean enableMirror;

  @Option(
      names = "--mirror-iface",
      paramLabel = "NAME",
      description = "Kube-OVN's flag: the mirror port's interface. Overrides the file.")
  private @Nullable String mirrorIface;

  @Option(
      names = "--node-name",
      paramLabel = "NAME",
      description =
          "This node alone, by the unix sockets of its Open vSwitch in /run/openvswitch; overrides"
              + " the file's nodes.")
  private @Nullable String node;

  /** The file, as it was named. */
  Path file() {
    return file;
  }

  /** Reads and checks the file; a {@link io.flowmirror.config.ConfigException} lists all errors. */
  Settings read() {
    return SettingsReader.read(
        file,
        new Overrides(
            Optional.ofNullable(enableMirror),
            Optional.ofNullable(mirrorIface),
            Optional.ofNullable(node)));
  }
}
