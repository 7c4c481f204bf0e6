// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.flowmirror.config.ConfigException;
import io.flowmirror.config.KubernetesSettings;
import io.flowmirror.config.Overrides;
import io.flowmirror.config.Settings;
import io.flowmirror.config.SettingsReader;
import io.flowmirror.controller.kubernetes.NodesNow;
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

  @Option(
      names = "--kubeconfig",
      paramLabel = "FILE",
      description = "How to reach the Kubernetes API; as kubectl or a pod finds it, if not given.")
  private @Nullable Path kubeconfig;

  /**
   * The configuration with the nodes that there are now.
   *
   * @param leftOut nodes of the API's that cannot be reached: why
   */
  record WithNodes(Settings settings, ImmutableMap<String, String> leftOut) {}

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

  /**
   * Reads the file, and asks the API for the nodes if they are there: a command that does something
   * on all nodes must not take none for all.
   *
   * @throws ConfigException if the file is wrong, the API does not answer, or it has no such node
   */
  WithNodes readWithNodes() {
    Settings settings = read();
    Optional<KubernetesSettings> ofApi =
        settings.kubernetes().filter(its -> its.nodes().isPresent());
    if (ofApi.isEmpty()) {
      return new WithNodes(settings, ImmutableMap.of());
    }
    NodesNow found;
    try (KubernetesClient client = client()) {
      found = NodesNow.read(client, ofApi.get());
    } catch (NodesNow.UnknownException e) {
      throw wrong(
          e.getMessage()
              + "; --kubeconfig says how to reach it, or write nodes into the file in place of"
              + " nodes-from-api");
    } catch (KubernetesClientException e) {
      throw wrong(e.getMessage() + "; --kubeconfig says how to reach the Kubernetes API");
    }
    if (found.nodes().isEmpty() && found.leftOut().isEmpty()) {
      throw wrong("the Kubernetes API has no node that node-selector means");
    }
    return new WithNodes(settings.withNodes(found.nodes()), found.leftOut());
  }

  private ConfigException wrong(String problem) {
    return new ConfigException(ImmutableList.of(file + ": kubernetes.nodes-from-api: " + problem));
  }

  /** A client of the API, as kubectl finds it, or as a pod does. */
  KubernetesClient client() {
    return new KubernetesClientBuilder().withConfig(apiConfig()).build();
  }

  /** How the API is reached; a request is given {@link KubernetesLink#TIMEOUT}. */
  Config apiConfig() {
    Config found =
        kubeconfig == null
            ? Config.autoConfigure(null)
            : Config.fromKubeconfig(kubeconfig.toFile());
    int millis = Math.toIntExact(KubernetesLink.TIMEOUT.toMillis());
    return new ConfigBuilder(found)
        .withRequestTimeout(millis)
        .withConnectionTimeout(millis)
        .withRequestRetryBackoffLimit(0)
        .build();
  }
}
