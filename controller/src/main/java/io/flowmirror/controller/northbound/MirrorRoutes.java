// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.config.Direction;
import io.flowmirror.config.KubernetesSettings;
import io.flowmirror.config.Mirror;
import io.flowmirror.controller.northbound.Caller.Verb;
import io.flowmirror.controller.reconcile.Requests;
import io.flowmirror.topology.PodName;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** {@code /v1/mirrors} and {@code /v1/global}: what is asked for, and by whom. */
final class MirrorRoutes {
  private static final Logger AUDIT = LoggerFactory.getLogger("io.flowmirror.audit");

  /** {@code for}: some hours, minutes, seconds. */
  private static final Pattern DURATION =
      Pattern.compile("(?:([0-9]{1,5})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,8})s)?");

  private static final int MAX_NODES = 10_000;

  /** An RFC 1123 subdomain, as a node's name in the Kubernetes API is. */
  private static final Pattern NAME = Pattern.compile("[a-z0-9]([a-z0-9.-]*[a-z0-9])?");

  private static final int MAX_NAME = 253;

  private final World world;
  private final RequestBook book;
  private final History history;
  private final InstantSource clock;

  MirrorRoutes(World world, RequestBook book, History history, InstantSource clock) {
    this.world = world;
    this.book = book;
    this.history = history;
    this.clock = clock;
  }

  void register(Routes routes) {
    routes.add("GET", "/v1/mirrors", this::list);
    routes.add("GET", "/v1/mirrors/{namespace}/{pod}", this::show);
    routes.add("PUT", "/v1/mirrors/{namespace}/{pod}", this::put);
    routes.add("DELETE", "/v1/mirrors/{namespace}/{pod}", this::remove);
    routes.add("GET", "/v1/global", this::global);
    routes.add("PUT", "/v1/global", this::putGlobal);
  }

  private static ObjectNode json(RequestBook.Entry entry) {
    ObjectNode json = RequestBook.json(entry);
    json.put("madeBy", "rest");
    return json;
  }

  private static ObjectNode configured(Mirror mirror) {
    return Json.object()
        .put("pod", mirror.namespacedPod())
        .put("direction", mirror.direction().toString())
        .put("madeBy", "configuration");
  }

  private record Item(String namespace, String pod, String madeBy, ObjectNode json) {
    String key() {
      return String.join("\u0001", namespace, pod, madeBy);
    }
  }

  private static Item item(Mirror mirror, ObjectNode json) {
    return new Item(mirror.namespace(), mirror.pod(), json.path("madeBy").asText(), json);
  }

  private void list(Exchange exchange) {
    exchange.allowQuery("limit", "continue", "namespace");
    Optional<String> namespace = exchange.query("namespace");
    namespace.ifPresent(name -> exchange.caller().demand(Verb.GET, name));
    List<Item> items = new ArrayList<>();
    world.settings().mirrors().forEach(mirror -> items.add(item(mirror, configured(mirror))));
    book.entries().forEach(entry -> items.add(item(entry.mirror(), json(entry))));
    new Pods(world, book)
        .all()
        .forEach(
            seen ->
                seen.byApi()
                    .forEach(
                        by -> {
                          ObjectNode json =
                              Json.object()
                                  .put("pod", seen.at().pod().toString())
                                  .put("interface", seen.at().provider())
                                  .put("madeBy", "kubernetes")
                                  .put("by", by);
                          Optional.ofNullable(world.endsByApi(seen.node().orElse("")).get(by))
                              .ifPresent(until -> json.put("until", until.toString()));
                          seen.direction()
                              .ifPresent(asked -> json.put("direction", asked.toString()));
                          items.add(
                              new Item(
                                  seen.at().pod().namespace(),
                                  seen.at().pod().name(),
                                  "kubernetes " + seen.at().provider() + " " + by,
                                  json));
                        }));
    exchange.page(
        items.stream()
            .filter(item -> namespace.isEmpty() || namespace.get().equals(item.namespace()))
            .filter(item -> exchange.caller().may(Verb.GET, item.namespace()))
            .sorted(Comparator.comparing(Item::key))
            .toList(),
        Item::key,
        Item::json);
  }

  private boolean isOneOfSeveral() {
    return world.settings().kubernetes().flatMap(KubernetesSettings::leases).isPresent();
  }

  /** What one of several controllers knows by itself goes with the node to another. */
  private void refuseIfOneOfSeveral() {
    if (isOneOfSeveral()) {
      throw Problem.conflict(
          "several controllers share the nodes (kubernetes.leases), and this would be known to one"
              + " of them: make a Mirror (kubernetes.mirror-resources), or change the"
              + " configuration");
    }
  }

  private void show(Exchange exchange) {
    exchange.allowQuery();
    PodName pod = exchange.pod();
    exchange.caller().demand(Verb.GET, pod.namespace());
    exchange.json(
        200,
        asked(exchange, pod)
            .map(MirrorRoutes::json)
            .or(
                () ->
                    world.settings().mirrors().stream()
                        .filter(mirror -> mirror.namespacedPod().equals(pod.toString()))
                        .map(MirrorRoutes::configured)
                        .findFirst())
            .orElseThrow(
                () ->
                    Problem.notFound(
                        "nobody asks for " + pod + " by REST or by the configuration")));
  }

  /**
   * What is asked for of a pod, wherever it is kept: what is in the book stays in force when the
   * configuration begins to follow Mirrors, too.
   */
  private Optional<RequestBook.Entry> asked(Exchange exchange, PodName pod) {
    return book.entry(pod.namespace(), pod.name())
        .or(
            () ->
                exchange
                    .caller()
                    .asking()
                    .flatMap(inApi -> inApi.entry(pod.namespace(), pod.name())));
  }

  /**
   * Where a mirror is to be kept: in the API with the caller's own rights, where that is who says
   * what is mirrored, but where it is already, so that it is in one place and no copy is missed.
   */
  private Asking asking(Exchange exchange, PodName pod) {
    Optional<Asking> inApi = exchange.caller().asking();
    boolean there = book.entry(pod.namespace(), pod.name()).isPresent();
    return inApi.isEmpty() || (there && !isOneOfSeveral()) ? book : inApi.get();
  }

  private void put(Exchange exchange) {
    exchange.allowQuery();
    PodName pod = exchange.pod();
    exchange.caller().demand(Verb.UPDATE, pod.namespace());
    ObjectNode body = exchange.body("direction", "until", "for");
    Direction direction = Json.text(body, "direction", Direction::parse).orElse(Direction.BOTH);
    Optional<Instant> until = Json.text(body, "until", Exchange::instant);
    Optional<Duration> time = Json.text(body, "for", MirrorRoutes::duration);
    if (until.isPresent() && time.isPresent()) {
      throw Problem.badRequest("until and for are both there; expected one of them");
    }
    if (until.isPresent() && !until.get().isAfter(clock.instant())) {
      throw Problem.badRequest("until: found " + until.get() + "; expected a time to come");
    }
    Asking asking = asking(exchange, pod);
    if (asking == book) {
      refuseIfOneOfSeveral();
    }
    Optional<RequestBook.Entry> before = asked(exchange, pod);
    Mirror mirror = new Mirror(pod.namespace(), pod.name(), direction);
    boolean changed =
        asking.put(
            mirror,
            until.or(() -> time.map(length -> clock.instant().plus(length))),
            exchange.caller().name());
    if (asking != book) {
      // Of several controllers one alone knows it, and it would outlive what the API says.
      book.remove(pod.namespace(), pod.name());
    }
    RequestBook.Entry entry =
        asking
            .entry(pod.namespace(), pod.name())
            .orElseThrow(() -> Problem.conflict("somebody else has taken it back at once"));
    if (changed) {
      String words =
          "mirror of "
              + pod
              + ", "
              + direction
              + entry.until().map(end -> ", until " + end).orElse("");
      AUDIT.info("asked pod={} direction={} by={} for: {}", pod, direction, entry.by(), words);
      // That it goes on for longer, as a capture says every 20 s, is no news.
      if (before.map(RequestBook.Entry::mirror).filter(mirror::equals).isEmpty()) {
        history.requested(
            Optional.of(pod.namespace()),
            Optional.of(pod.name()),
            entry.by() + " asks for the " + words);
      }
    }
    exchange.json(before.isEmpty() ? 201 : 200, json(entry));
  }

  private void remove(Exchange exchange) {
    exchange.allowQuery();
    exchange.noBody();
    PodName pod = exchange.pod();
    exchange.caller().demand(Verb.UPDATE, pod.namespace());
    // From the book first, and said at once: the API may be away.
    boolean wasInBook = book.remove(pod.namespace(), pod.name());
    if (wasInBook) {
      takenBack(exchange, pod);
    }
    boolean wasInApi =
        exchange
            .caller()
            .asking()
            .map(inApi -> inApi.remove(pod.namespace(), pod.name()))
            .orElse(false);
    if (wasInApi && !wasInBook) {
      takenBack(exchange, pod);
    }
    exchange.noContent();
  }

  private void takenBack(Exchange exchange, PodName pod) {
    String by = exchange.caller().name();
    AUDIT.info("taken back pod={} by={}", pod, by);
    history.requested(
        Optional.of(pod.namespace()),
        Optional.of(pod.name()),
        by + " does not ask for a mirror of " + pod + " any more");
  }

  private static Duration duration(String text) {
    Matcher parts = DURATION.matcher(text);
    Duration length = Duration.ZERO;
    if (!text.isEmpty() && parts.matches()) {
      length =
          Duration.ofHours(part(parts, 1)).plusMinutes(part(parts, 2)).plusSeconds(part(parts, 3));
    }
    if (length.isZero()) {
      throw new IllegalArgumentException(
          "found " + Json.shown(text) + "; expected a duration such as 30m or 1h30m");
    }
    return length;
  }

  private static long part(Matcher parts, int group) {
    return parts.group(group) == null ? 0 : Long.parseLong(parts.group(group));
  }

  // Global mirroring.

  private ObjectNode globalJson() {
    Optional<RequestBook.GlobalEntry> asked = book.global();
    ObjectNode json = Json.object();
    boolean configured = world.settings().enableMirror();
    json.put(
        "mode",
        asked
            .map(
                entry ->
                    entry.global().all()
                        ? "all"
                        : entry.global().nodes().isEmpty() ? "off" : "nodes")
            .orElse("configured"));
    json.set(
        "nodes", Json.texts(asked.map(entry -> entry.global().nodes()).orElse(ImmutableSet.of())));
    json.put("configured", configured ? "all" : "off");
    asked.ifPresent(entry -> json.put("by", entry.by()).put("since", entry.since().toString()));
    return json;
  }

  private void global(Exchange exchange) {
    exchange.allowQuery();
    exchange.caller().demand(Verb.GET, "");
    exchange.json(200, globalJson());
  }

  private void putGlobal(Exchange exchange) {
    exchange.allowQuery();
    exchange.caller().demand(Verb.UPDATE, "");
    ObjectNode body = exchange.body("mode", "nodes");
    String mode =
        Json.text(body, "mode", Exchange.oneOf("all", "off", "nodes", "configured"))
            .orElseThrow(
                () -> Problem.badRequest("mode: missing; expected all, off, nodes or configured"));
    ImmutableSet<String> nodes = nodes(body);
    if (mode.equals("nodes") == nodes.isEmpty()) {
      throw Problem.badRequest(
          mode.equals("nodes")
              ? "nodes: missing; expected the nodes' names"
              : "nodes: expected none with mode " + mode);
    }
    Optional<Requests.Global> wanted =
        mode.equals("configured")
            ? Optional.empty()
            : Optional.of(new Requests.Global(mode.equals("all"), nodes));
    String by = exchange.caller().name();
    boolean changed = isOneOfSeveral() ? share(wanted, by) : book.setGlobal(wanted, by);
    if (changed) {
      AUDIT.info("global mode={} nodes={} by={}", mode, nodes, by);
      history.requested(
          Optional.empty(),
          Optional.empty(),
          by
              + " sets global mirroring: "
              + mode
              + (nodes.isEmpty() ? "" : " " + String.join(", ", nodes)));
    }
    exchange.json(200, globalJson());
  }

  /** All of them are told by the Lease that says who they are; each acts when it hears of it. */
  private boolean share(Optional<Requests.Global> wanted, String by) {
    if (book.global().map(RequestBook.GlobalEntry::global).equals(wanted)) {
      return false;
    }
    try {
      world.share(book.toBeShared(wanted, by));
    } catch (IllegalArgumentException e) {
      throw Problem.tooLarge("nodes: " + e.getMessage() + " of names");
    } catch (IllegalStateException e) {
      throw Problem.unavailable("the other controllers cannot be told: " + e.getMessage());
    }
    return true;
  }

  /** Of several controllers, one does not know the names of all nodes. */
  private boolean mayBeNode(String name) {
    return world.statuses().containsKey(name)
        || (isOneOfSeveral() && name.length() <= MAX_NAME && NAME.matcher(name).matches());
  }

  private ImmutableSet<String> nodes(ObjectNode body) {
    JsonNode list = body.path("nodes");
    if (list.isMissingNode() || list.isNull()) {
      return ImmutableSet.of();
    }
    if (!list.isArray() || list.size() > MAX_NODES) {
      throw Problem.badRequest("nodes: expected a list of nodes' names");
    }
    ImmutableSet.Builder<String> nodes = ImmutableSet.builder();
    for (JsonNode name : list) {
      if (!name.isTextual() || !mayBeNode(name.textValue())) {
        throw Problem.badRequest(
            "nodes: " + Json.shown(name.asText()) + " is no node of this controller's");
      }
      nodes.add(name.textValue());
    }
    return nodes.build();
  }
}
