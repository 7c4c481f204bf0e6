// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.config;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.config.YamlMapping.Field;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.yaml.snakeyaml.nodes.Node;

/**
 * Reads the configuration file. Either all of it is right and there are {@link Settings}, or there
 * is one {@link ConfigException} that lists everything that is wrong.
 *
 * <p>The file is YAML 1.1, UTF-8, one document of at most 8 MiB. Text is taken as it is written: a
 * pod called {@code no} needs no quotes.
 *
 * <p>Nothing is kept between two calls, from whatever threads, and nothing is asked of a network: a
 * file that still says the same gives equal settings, a file that changed is read like the first.
 */
public final class SettingsReader {
  private static final Field<Boolean> ENABLE_MIRROR =
      new Field<>("enable-mirror", "true or false", Syntax::bool);
  private static final Field<String> MIRROR_IFACE =
      new Field<>("mirror-iface", "an interface's name", Syntax::interfaceName);
  private static final Field<Duration> HOLD =
      new Field<>("hold", "a duration such as 30m", Syntax::hold);
  private static final Field<Duration> AUDIT =
      new Field<>("audit", "a duration such as 30s", Syntax::audit);
  private static final Field<KubeOvnMirror> KUBE_OVN_MIRROR =
      new Field<>("kube-ovn-mirror", "report or take-over", KubeOvnMirror::parse);
  private static final Field<Boolean> INSECURE =
      new Field<>("insecure", "true or false", Syntax::bool);
  private static final String TLS = "tls";
  private static final Field<Path> PRIVATE_KEY =
      new Field<>("private-key", "a file's absolute path", TlsSettings::file);
  private static final Field<Path> CERTIFICATE =
      new Field<>("certificate", "a file's absolute path", TlsSettings::file);
  private static final Field<Path> CA_CERTIFICATE =
      new Field<>("ca-certificate", "a file's absolute path", TlsSettings::file);
  private static final ImmutableSet<String> TLS_KEYS =
      ImmutableSet.of(PRIVATE_KEY.key(), CERTIFICATE.key(), CA_CERTIFICATE.key());

  private static final String NODES = "nodes";
  private static final String SOME_NODES = "a list of at least one node";
  private static final String MIRRORS = "mirrors";

  private static final Field<String> NAME = new Field<>("name", "a node's name", Syntax::nodeName);
  private static final String METHOD = "unix:/PATH, tcp:HOST[:PORT] or ssl:HOST[:PORT]";
  private static final Field<ConnectionMethod> OVSDB =
      new Field<>(
          "ovsdb", METHOD, text -> ConnectionMethod.parse(text, ConnectionMethod.OVSDB_PORT));
  private static final Field<ConnectionMethod> OPENFLOW =
      new Field<>(
          "openflow", METHOD, text -> ConnectionMethod.parse(text, ConnectionMethod.OPENFLOW_PORT));

  private static final Field<Mirror> POD =
      new Field<>("pod", "NAMESPACE/POD", text -> Mirror.of(text, Direction.BOTH));
  private static final Field<Direction> DIRECTION =
      new Field<>("direction", "both, from-pod or to-pod", Direction::parse);

  private static final String KUBERNETES = "kubernetes";
  private static final Field<Boolean> ANNOTATIONS =
      new Field<>("annotations", "true or false", Syntax::bool);
  private static final Field<Boolean> MIRROR_RESOURCES =
      new Field<>("mirror-resources", "true or false", Syntax::bool);
  private static final Field<Direction> POD_DIRECTION =
      new Field<>("pod-direction", "both, from-pod or to-pod", Direction::parse);
  private static final Field<String> NAMESPACES =
      new Field<>("namespaces", "namespaces' names", Syntax::namespace);
  private static final Field<LabelSelector> NAMESPACE_SELECTOR =
      new Field<>("namespace-selector", "a label selector", LabelSelector::parse);
  private static final Field<Boolean> API_NODES =
      new Field<>("nodes-from-api", "true or false", Syntax::bool);
  private static final Field<LabelSelector> NODE_SELECTOR =
      new Field<>("node-selector", "a label selector", LabelSelector::parse);
  private static final Field<String> LEASES =
      new Field<>("leases", "a namespace's name", Syntax::namespace);
  private static final Field<Integer> OVSDB_PORT =
      new Field<>("ovsdb-port", "a TCP port", Syntax::tcpPort);
  private static final Field<Integer> OPENFLOW_PORT =
      new Field<>("openflow-port", "a TCP port", Syntax::tcpPort);
  private static final ImmutableSet<String> KUBERNETES_KEYS =
      ImmutableSet.of(
          ANNOTATIONS.key(),
          MIRROR_RESOURCES.key(),
          POD_DIRECTION.key(),
          NAMESPACES.key(),
          NAMESPACE_SELECTOR.key(),
          API_NODES.key(),
          NODE_SELECTOR.key(),
          LEASES.key(),
          OVSDB_PORT.key(),
          OPENFLOW_PORT.key());

  private static final String NORTHBOUND = "northbound";
  private static final Field<NorthboundSettings.Listen> LISTEN =
      new Field<>("listen", "ADDRESS:PORT", NorthboundSettings.Listen::parse);
  private static final Field<Path> FILE =
      new Field<>("file", "a file's absolute path", TlsSettings::file);
  private static final Field<Boolean> POD_METRICS =
      new Field<>("pod-metrics", "true or false", Syntax::bool);
  private static final Field<Path> TOKENS =
      new Field<>("tokens", "a file's absolute path", TlsSettings::file);
  private static final ImmutableSet<String> NORTHBOUND_KEYS =
      ImmutableSet.of(
          LISTEN.key(),
          FILE.key(),
          POD_METRICS.key(),
          CERTIFICATE.key(),
          PRIVATE_KEY.key(),
          TOKENS.key());

  /** Where Kube-OVN's Open vSwitch has its sockets on a node. */
  private static final String OVSDB_SOCKET = "/run/openvswitch/db.sock";

  private static final String OPENFLOW_SOCKET = "/run/openvswitch/br-int.mgmt";

  private static final ImmutableSet<String> ROOT_KEYS =
      ImmutableSet.of(
          ENABLE_MIRROR.key(),
          MIRROR_IFACE.key(),
          HOLD.key(),
          AUDIT.key(),
          KUBE_OVN_MIRROR.key(),
          INSECURE.key(),
          TLS,
          NODES,
          MIRRORS,
          KUBERNETES,
          NORTHBOUND);
  private static final ImmutableSet<String> NODE_KEYS =
      ImmutableSet.of(NAME.key(), OVSDB.key(), OPENFLOW.key(), MIRROR_IFACE.key());
  private static final ImmutableSet<String> MIRROR_KEYS =
      ImmutableSet.of(POD.key(), DIRECTION.key());

  private final Problems problems;
  private final Overrides overrides;

  private SettingsReader(String source, Overrides overrides) {
    this.problems = new Problems(source);
    this.overrides = overrides;
    overrides.mirrorIface().ifPresent(iface -> checkFlag("--mirror-iface", iface));
    overrides.node().ifPresent(node -> checkFlag("--node-name", node));
  }

  /**
   * Reads a file and lays the flags over it.
   *
   * @throws ConfigException if the file cannot be read, or anything in it or in the flags is wrong
   */
  public static Settings read(Path file, Overrides overrides) {
    SettingsReader reader = new SettingsReader(file.toString(), overrides);
    return reader.settings(YamlSource.text(file, reader.problems));
  }

  /**
   * Reads the file's text and lays the flags over it.
   *
   * @param source what messages call the file
   * @throws ConfigException if anything in it or in the flags is wrong
   */
  public static Settings parse(String source, String yaml, Overrides overrides) {
    return new SettingsReader(source, overrides).settings(yaml);
  }

  private Settings settings(String yaml) {
    Optional<Node> document = YamlSource.compose(yaml, problems);
    if (document.isEmpty()) {
      problems.inFile(1, "found no YAML document; expected one with nodes, at least");
    }
    Optional<YamlMapping> root =
        document.flatMap(node -> YamlMapping.root(node, ROOT_KEYS, problems));
    Optional<Boolean> enableMirror = root.flatMap(map -> map.optional(ENABLE_MIRROR));
    Optional<String> mirrorIface = root.flatMap(map -> map.optional(MIRROR_IFACE));
    Optional<Duration> hold = root.flatMap(map -> map.optional(HOLD));
    Optional<Duration> audit = root.flatMap(map -> map.optional(AUDIT));
    Optional<KubeOvnMirror> kubeOvnMirror = root.flatMap(map -> map.optional(KUBE_OVN_MIRROR));
    Optional<Boolean> insecure = root.flatMap(map -> map.optional(INSECURE));
    Optional<YamlMapping> tlsKeys = root.flatMap(map -> map.mapping(TLS, TLS_KEYS));
    Optional<TlsSettings> tls = tlsKeys.flatMap(SettingsReader::tls);
    // One that is wrong is one mistake, not one for each node.
    boolean hasTls = root.filter(map -> map.has(TLS)).isPresent();
    Optional<KubernetesSettings> kubernetes =
        root.flatMap(map -> map.mapping(KUBERNETES, KUBERNETES_KEYS))
            .map(map -> kubernetes(map, insecure, hasTls, tls));
    boolean nodesOfApi = kubernetes.flatMap(KubernetesSettings::nodes).isPresent();
    ImmutableList<NodeSettings> nodes =
        root.map(map -> nodes(map, insecure, hasTls, tls, nodesOfApi)).orElse(ImmutableList.of());
    ImmutableList<Mirror> mirrors = root.map(this::mirrors).orElse(ImmutableList.of());
    Optional<NorthboundSettings> northbound =
        root.flatMap(map -> map.mapping(NORTHBOUND, NORTHBOUND_KEYS))
            .map(map -> northbound(map, kubernetes.isPresent()));
    problems.throwIfAny();
    return new Settings(
        overrides.enableMirror().or(() -> enableMirror).orElse(false),
        overrides.mirrorIface().or(() -> mirrorIface).orElse(Settings.DEFAULT_MIRROR_IFACE),
        hold.orElse(Settings.DEFAULT_HOLD),
        audit.orElse(Settings.DEFAULT_AUDIT),
        kubeOvnMirror.orElse(KubeOvnMirror.REPORT),
        insecure.orElse(false),
        nodes,
        mirrors,
        kubernetes,
        northbound);
  }

  private static NorthboundSettings northbound(YamlMapping map, boolean inCluster) {
    NorthboundSettings.Listen listen =
        map.optional(LISTEN).orElse(NorthboundSettings.Listen.DEFAULT);
    Optional<Path> chain = map.optional(CERTIFICATE);
    Optional<Path> key = map.optional(PRIVATE_KEY);
    Optional<Path> tokens = map.optional(TOKENS);
    if (chain.isPresent() != key.isPresent()) {
      map.problem(
          chain.isPresent() ? PRIVATE_KEY.key() : CERTIFICATE.key(),
          "missing; expected certificate and private-key together");
    }
    if (!listen.isLoopback() && !map.has(CERTIFICATE)) {
      map.problem(
          LISTEN.key(),
          "found "
              + Syntax.quote(listen.toString())
              + "; expected a loopback address, or certificate and private-key with it: tokens and"
              + " what pods do are not for everybody on the network");
    }
    if (!listen.isLoopback() && !inCluster && !map.has(TOKENS)) {
      map.problem(
          LISTEN.key(),
          "found "
              + Syntax.quote(listen.toString())
              + "; expected a loopback address, or tokens with it: outside of a cluster nobody else"
              + " says who may ask");
    }
    return new NorthboundSettings(
        listen,
        map.optional(FILE),
        map.optional(POD_METRICS).orElse(true),
        chain.isPresent() && key.isPresent()
            ? Optional.of(new NorthboundSettings.Certificate(chain.get(), key.get()))
            : Optional.empty(),
        tokens);
  }

  private static Optional<TlsSettings> tls(YamlMapping map) {
    Optional<Path> privateKey = map.required(PRIVATE_KEY);
    Optional<Path> certificate = map.required(CERTIFICATE);
    Optional<Path> caCertificate = map.required(CA_CERTIFICATE);
    return privateKey.isPresent() && certificate.isPresent() && caCertificate.isPresent()
        ? Optional.of(new TlsSettings(privateKey.get(), certificate.get(), caCertificate.get()))
        : Optional.empty();
  }

  private KubernetesSettings kubernetes(
      YamlMapping map, Optional<Boolean> insecure, boolean hasTls, Optional<TlsSettings> tls) {
    boolean nodesOfApi = map.optional(API_NODES).orElse(false) && overrides.node().isEmpty();
    if (nodesOfApi && !hasTls && !insecure.orElse(false)) {
      map.problem(
          API_NODES.key(),
          "found \"true\"; expected tls at the top level with it, or insecure: true: nodes are then"
              + " reached by tcp:, which is not encrypted, and whoever reaches those ports controls"
              + " the switch");
    }
    Optional<LabelSelector> nodeSelector = map.optional(NODE_SELECTOR);
    int ovsdbPort = map.optional(OVSDB_PORT).orElse(ConnectionMethod.OVSDB_PORT);
    int openflowPort = map.optional(OPENFLOW_PORT).orElse(ConnectionMethod.OPENFLOW_PORT);
    if (ovsdbPort == openflowPort) {
      map.problem(OPENFLOW_PORT.key(), "found " + openflowPort + "; expected another than ovsdb's");
    }
    return new KubernetesSettings(
        map.optional(ANNOTATIONS).orElse(true),
        map.optional(POD_DIRECTION).orElse(Direction.BOTH),
        map.texts(NAMESPACES).map(ImmutableSet::copyOf),
        map.optional(NAMESPACE_SELECTOR),
        nodesOfApi
            ? Optional.of(
                new KubernetesSettings.NodesOfApi(
                    nodeSelector.orElse(LabelSelector.everything()), ovsdbPort, openflowPort, tls))
            : Optional.empty(),
        overrides.node().isPresent() ? Optional.empty() : map.optional(LEASES),
        overrides.node(),
        map.optional(MIRROR_RESOURCES).orElse(false));
  }

  private static NodeSettings thisNode(String name) {
    return new NodeSettings(
        name,
        new ConnectionMethod.Unix(OVSDB_SOCKET),
        new ConnectionMethod.Unix(OPENFLOW_SOCKET),
        Optional.empty());
  }

  private void checkFlag(String flag, String value) {
    try {
      if (flag.equals("--node-name")) {
        Syntax.nodeName(value);
      } else {
        Syntax.interfaceName(value);
      }
    } catch (BadValueException e) {
      problems.inFlag(flag, e.problem());
    }
  }

  private ImmutableList<NodeSettings> nodes(
      YamlMapping root,
      Optional<Boolean> insecure,
      boolean hasTls,
      Optional<TlsSettings> tls,
      boolean nodesOfApi) {
    // A bad value of insecure is one mistake, not one for each node.
    boolean remoteAllowed = insecure.orElse(root.has(INSECURE));
    if (overrides.node().isPresent()) {
      // A name that is none has been noted.
      return problems.isEmpty()
          ? ImmutableList.of(thisNode(overrides.node().get()))
          : ImmutableList.of();
    }
    if (nodesOfApi && !root.isMissingOrEmptyList(NODES)) {
      root.problem(NODES, "found a list; expected none: the nodes are those of the Kubernetes API");
      return ImmutableList.of();
    }
    if (root.isMissingOrEmptyList(NODES) && !nodesOfApi) {
      root.problem(NODES, "no node; expected " + SOME_NODES);
    }
    Unique names = new Unique("a name of its own");
    Unique addresses = new Unique("an address of its own");
    ImmutableList.Builder<NodeSettings> nodes = ImmutableList.builder();
    for (YamlMapping map : root.list(NODES, SOME_NODES, NODE_KEYS)) {
      Optional<String> name = map.required(NAME);
      Optional<ConnectionMethod> ovsdb = map.required(OVSDB);
      Optional<ConnectionMethod> openflow = map.required(OPENFLOW);
      Optional<String> mirrorIface = map.optional(MIRROR_IFACE);
      if (!remoteAllowed) {
        ovsdb.ifPresent(method -> checkLoopback(method, map, OVSDB));
        openflow.ifPresent(method -> checkLoopback(method, map, OPENFLOW));
      }
      if (!hasTls) {
        ovsdb.ifPresent(method -> checkPlain(method, map, OVSDB));
        openflow.ifPresent(method -> checkPlain(method, map, OPENFLOW));
      }
      // Every one is checked, whatever the others are.
      boolean unique = name.isPresent() && names.add(name.get(), map, NAME);
      unique &= ovsdb.isPresent() && addresses.add(ovsdb.get().toString(), map, OVSDB);
      unique &= openflow.isPresent() && addresses.add(openflow.get().toString(), map, OPENFLOW);
      if (unique && problems.isEmpty()) {
        boolean byTls = ovsdb.orElseThrow().isTls() || openflow.orElseThrow().isTls();
        nodes.add(
            new NodeSettings(
                name.orElseThrow(),
                ovsdb.get(),
                openflow.get(),
                mirrorIface,
                byTls ? tls : Optional.empty()));
      }
    }
    return nodes.build();
  }

  private static void checkPlain(ConnectionMethod method, YamlMapping map, Field<?> field) {
    if (method.isTls()) {
      map.problem(
          field.key(),
          "found "
              + Syntax.quote(method.toString())
              + "; expected tls at the top level with it, and in it private-key, certificate and"
              + " ca-certificate");
    }
  }

  private static void checkLoopback(ConnectionMethod method, YamlMapping map, Field<?> field) {
    if (!method.isLoopback() && !method.isTls()) {
      map.problem(
          field.key(),
          "found "
              + Syntax.quote(method.toString())
              + "; expected ssl:, a loopback address, or insecure: true at the top level (tcp: is"
              + " not encrypted, and whoever reaches that port controls the switch)");
    }
  }

  private ImmutableList<Mirror> mirrors(YamlMapping root) {
    Unique pods = new Unique("each pod once");
    ImmutableList.Builder<Mirror> mirrors = ImmutableList.builder();
    for (YamlMapping map : root.list(MIRRORS, "a list ([] for none)", MIRROR_KEYS)) {
      Optional<Mirror> pod = map.required(POD);
      Direction direction = map.optional(DIRECTION).orElse(Direction.BOTH);
      if (pod.isPresent() && pods.add(pod.get().namespacedPod(), map, POD)) {
        mirrors.add(new Mirror(pod.get().namespace(), pod.get().pod(), direction));
      }
    }
    return mirrors.build();
  }

  /** Values that may be there once only. */
  private static final class Unique {
    private final String expected;
    private final Map<String, String> places = new HashMap<>();

    Unique(String expected) {
      this.expected = expected;
    }

    /** Adds a value; says so, and returns false, if it was there already. */
    boolean add(String value, YamlMapping map, Field<?> field) {
      String place = map.path(field.key()) + " (line " + map.line(field.key()) + ")";
      String first = places.putIfAbsent(value, place);
      if (first != null) {
        map.problem(
            field.key(),
            "found " + Syntax.quote(value) + ", as in " + first + "; expected " + expected);
      }
      return first == null;
    }
  }
}
