// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.config.Direction;
import io.flowmirror.config.KubeOvnMirror;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.flows.FlowDiff;
import io.flowmirror.flows.MirrorCompiler;
import io.flowmirror.flows.NodeIntent;
import io.flowmirror.flows.Plan;
import io.flowmirror.topology.Bridge;
import io.flowmirror.topology.Interface;
import io.flowmirror.topology.Node;
import io.flowmirror.topology.PodInterface;
import io.flowmirror.topology.PodName;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

final class StatusLogTest {
  private static final String NOWHERE =
      "all nodes: pod default/web is on none of them; it is mirrored when it comes";
  private static final String HERE =
      "pod default/web has web_h; its number is unknown without OpenFlow";

  private final Logger logger = (Logger) LoggerFactory.getLogger(StatusLog.class);
  private final ListAppender<ILoggingEvent> appender = new ListAppender<>();
  private final StatusLog log = new StatusLog();
  private final Map<String, NodeStatus> statuses = new LinkedHashMap<>();

  @BeforeEach
  void listen() {
    appender.start();
    logger.setAdditive(false);
    logger.addAppender(appender);
  }

  @AfterEach
  void leave() {
    logger.detachAppender(appender);
    logger.setAdditive(true);
  }

  /** What is logged when these nodes stand like this. */
  private List<String> said(NodeStatus... now) {
    for (NodeStatus status : now) {
      statuses.put(status.node().name(), status);
    }
    appender.list.clear();
    log.accept(ImmutableMap.copyOf(statuses));
    return appender.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
  }

  private static NodeStatus unknown(String name, String... pods) {
    return status(name, Optional.empty(), pods);
  }

  private static NodeStatus with(String name, List<String> there, String... pods) {
    ImmutableMap<String, Interface> interfaces =
        there.stream().collect(ImmutableMap.toImmutableMap(pod -> pod + "_h", StatusLogTest::row));
    return status(
        name, Optional.of(new Bridge("br-int", "", false, interfaces, ImmutableList.of())), pods);
  }

  private static Interface row(String pod) {
    return new Interface(
        pod + "_h",
        "",
        pod + "_h",
        OptionalInt.of(5),
        "",
        ImmutableMap.of("pod_namespace", "default", "pod_name", pod),
        ImmutableMap.of());
  }

  private static NodeStatus status(String name, Optional<Bridge> bridge, String... pods) {
    ImmutableMap.Builder<PodInterface, Direction> wanted = ImmutableMap.builder();
    for (String pod : pods) {
      wanted.put(PodInterface.primary(new PodName("default", pod)), Direction.BOTH);
    }
    NodeIntent intent =
        new NodeIntent(
            Optional.of("mirror0"),
            false,
            1800,
            KubeOvnMirror.REPORT,
            wanted.buildOrThrow(),
            ImmutableMap.of());
    Node node = new Node(name, bridge, bridge.isPresent(), Optional.empty());
    Plan plan = MirrorCompiler.compile(intent, node);
    return new NodeStatus(
        intent,
        node,
        plan,
        ImmutableList.of(),
        FlowDiff.between(plan, ImmutableList.of(), ImmutableSet.of(), ImmutableSet.of()),
        ImmutableMap.of(),
        NodeStatus.Writer.US,
        ImmutableList.of(),
        Optional.empty(),
        false,
        ImmutableList.of());
  }

  @Test
  void aPodIsOnNoNodeOnlyWhenAllHaveSaidSo() {
    assertThat(said(unknown("n1", "web"), unknown("n2", "web"))).isEmpty();
    assertThat(said(with("n1", List.of(), "web"))).isEmpty();
    assertThat(said(with("n2", List.of(), "web"))).containsExactly(NOWHERE);
    // It is no news a second time.
    assertThat(said(with("n2", List.of("db"), "web"))).isEmpty();
    assertThat(said(with("n2", List.of("web"), "web"))).containsExactly("n2: " + HERE);
    assertThat(said(with("n1", List.of("web"), "web"))).containsExactly("n1: " + HERE);
    // It leaves one of two, then the other.
    assertThat(said(with("n2", List.of(), "web")))
        .containsExactly(
            "n2: pod default/web is not on this node: no interface of br-int has its"
                + " pod_namespace and pod_name");
    statuses.remove("n1");
    assertThat(said()).containsExactly(NOWHERE);
    // Nobody wants it any more; then somebody does.
    assertThat(said(with("n2", List.of()))).isEmpty();
    assertThat(said(with("n2", List.of(), "web"))).containsExactly(NOWHERE);
  }

  /** With a thousand nodes, one that reports must not have all the others' pods looked at. */
  @Test
  void aNodeThatReportsCostsWhatItHas() {
    for (int i = 0; i < 1000; i++) {
      NodeStatus status = with("n" + i, List.of("web"), "web", "db", "p" + i);
      statuses.put("n" + i, status);
    }
    said();
    Unplaced unplaced = new Unplaced();
    statuses.forEach(unplaced::put);
    assertThat(unplaced.take()).hasSize(1002);
    // Read again, and as it was: another object with the same node and intent.
    NodeStatus n7 = statuses.get("n7");
    assertThat(unplaced.put("n7", n7)).isFalse();
    assertThat(unplaced.take()).isEmpty();
    unplaced.put("n7", with("n7", List.of("p7"), "p7"));
    assertThat(unplaced.take().keySet())
        .extracting(PodInterface::toString)
        .containsExactly("default/web", "default/db", "default/p7");
  }
}
