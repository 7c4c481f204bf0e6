// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import com.google.common.collect.ImmutableList;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/**
 * A real API server of this JVM's own, by {@code sandbox/kube}, with the controller's namespace and
 * the rights that {@code config/kubernetes} gives it.
 */
final class Kube implements AutoCloseable {
  /** The programs may have to be made first. */
  private static final Duration PATIENCE = Duration.ofMinutes(12);

  private static final String NAMESPACE = "config/kubernetes/base/namespace.yaml";
  private static final ImmutableList<String> MORE =
      ImmutableList.of(
          "config/kubernetes/base/rbac.yaml",
          "config/kubernetes/base/mirrors.yaml",
          "config/kubernetes/base/mirror-roles.yaml");

  private final String script = Sandbox.root().resolve("sandbox/kube").toString();
  private final String state =
      "/run/flowmirror-kube/it" + Long.toString(ProcessHandle.current().pid(), 36);
  private final Thread atExit = Thread.ofPlatform().unstarted(this::down);
  private final KubernetesClient admin;
  private final Path controllersConfig;

  private Kube() {
    Runtime.getRuntime().addShutdownHook(atExit);
    run("up");
    kubectl("apply", "-f", Sandbox.root().resolve(NAMESPACE).toString());
    kubectl("create", "namespace", Pod.NAMESPACE);
    for (String file : MORE) {
      kubectl("apply", "-f", Sandbox.root().resolve(file).toString());
    }
    kubectl("wait", "--for=condition=established", "--timeout=60s", "crd/mirrors.flowmirror.io");
    admin = client(Path.of(state, "kubeconfig"));
    controllersConfig = Path.of(state, "controller.kubeconfig");
    try {
      Files.writeString(controllersConfig, run("config", "flowmirror/flowmirror"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static Kube up() {
    return new Kube();
  }

  private static KubernetesClient client(Path kubeconfig) {
    return new KubernetesClientBuilder()
        .withConfig(
            new ConfigBuilder(Config.fromKubeconfig(kubeconfig.toFile()))
                .withRequestTimeout(5_000)
                .withConnectionTimeout(5_000)
                .withRequestRetryBackoffLimit(0)
                .build())
        .build();
  }

  /** The administrator's client. */
  KubernetesClient admin() {
    return admin;
  }

  /** A client with the controller's own rights. */
  KubernetesClient asController() {
    return client(controllersConfig);
  }

  /** A client with the rights of this service account, which must be there. */
  KubernetesClient as(String account) {
    Path kubeconfig = Path.of(state, account.replace('/', '.') + ".kubeconfig");
    try {
      Files.writeString(kubeconfig, run("config", account));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return client(kubeconfig);
  }

  /** The kubeconfig with the controller's own rights. */
  Path controllersConfig() {
    return controllersConfig;
  }

  /** Runs a command of {@code sandbox/kube}. */
  String run(String... arguments) {
    return Program.start(
            ImmutableList.<String>builder()
                .add(script, "--state", state)
                .add(arguments)
                .build()
                .toArray(String[]::new))
        .success(PATIENCE);
  }

  /** Runs kubectl as administrator. */
  String kubectl(String... arguments) {
    return run(
        ImmutableList.<String>builder()
            .add("kubectl")
            .add(arguments)
            .build()
            .toArray(String[]::new));
  }

  private void down() {
    Program.start(script, "--state", state, "down").status(Duration.ofSeconds(60));
  }

  @Override
  public void close() {
    admin.close();
    down();
    Runtime.getRuntime().removeShutdownHook(atExit);
  }
}
