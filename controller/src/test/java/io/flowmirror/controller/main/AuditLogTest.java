// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import static io.flowmirror.controller.main.OneNode.DB;
import static io.flowmirror.controller.main.OneNode.WEB;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.config.Direction;
import io.flowmirror.config.Overrides;
import io.flowmirror.config.Settings;
import io.flowmirror.config.SettingsReader;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.topology.PodInterface;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

final class AuditLogTest {
  private final Logger logger = (Logger) LoggerFactory.getLogger("io.flowmirror.audit");
  private final ListAppender<ILoggingEvent> appender = new ListAppender<>();
  private Instant now = Instant.parse("2030-01-01T12:00:00Z");
  private static final ImmutableMap<PodInterface, String> UIDS = ImmutableMap.of(WEB, "u-1");

  private Settings settings = settings("");
  private ImmutableMap<String, String> byRest = ImmutableMap.of();
  private ImmutableMap<PodInterface, ImmutableSet<String>> byApi = ImmutableMap.of();

  private final AuditLog log =
      new AuditLog(
          new AuditLog.Askers() {
            @Override
            public Settings settings() {
              return settings;
            }

            @Override
            public ImmutableMap<String, String> byRest() {
              return byRest;
            }

            @Override
            public ImmutableMap<PodInterface, ImmutableSet<String>> byApi(String node) {
              return byApi;
            }

            @Override
            public ImmutableMap<PodInterface, String> uids(String node) {
              return byApi.isEmpty() ? ImmutableMap.of() : UIDS;
            }
          },
          () -> now);

  private static Settings settings(String mirrors) {
    return SettingsReader.parse(
        "test",
        "nodes: [{name: n1, ovsdb: 'unix:/db', openflow: 'unix:/of'}]\nmirrors: ["
            + mirrors
            + "]\n",
        Overrides.none());
  }

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

  private List<String> taken() {
    List<String> lines = appender.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
    appender.list.clear();
    return lines;
  }

  /** A second later the node stands like this: what is written of it. */
  private List<String> said(NodeStatus status) {
    now = now.plusSeconds(1);
    log.accept(ImmutableMap.of("n1", status));
    return taken();
  }

  private static String web(String uid) {
    return "pod=default/web uid=" + uid + " interface=primary port=web_h ";
  }

  /** Without any API. */
  @Test
  void whatTheFileAsksForStartsAndStops() {
    OneNode wanted = OneNode.wanting(WEB);
    settings = settings("{pod: default/web}");
    assertThat(said(wanted.after(OneNode.quiet()))).as("before its entries are there").isEmpty();
    assertThat(said(wanted.done()))
        .containsExactly("started " + web("-") + "direction=both node=n1 by=file");
    assertThat(said(wanted.done())).isEmpty();
    // OVN wipes the bridge, and the node is lost: gaps, and no ends.
    assertThat(said(wanted.after(OneNode.quiet()))).isEmpty();
    assertThat(said(wanted.lost("no OpenFlow: away").done())).isEmpty();
    assertThat(said(wanted.done())).isEmpty();
    settings = settings("");
    assertThat(said(OneNode.quiet().after(wanted))).as("while entries are left").isEmpty();
    assertThat(said(OneNode.quiet().done()))
        .containsExactly(
            "stopped "
                + web("-")
                + "direction=both node=n1 by=file from=2030-01-01T12:00:02Z"
                + " to=2030-01-01T12:00:08Z");
    assertThat(said(OneNode.quiet().done())).isEmpty();
  }

  /** It is one tap, whoever asks; it ends when nobody does. */
  @Test
  void itGoesOnByAnothersWord() {
    NodeStatus done = OneNode.wanting(WEB).done();
    byApi = ImmutableMap.of(WEB, ImmutableSet.of("annotation:kubectl annotate\nstopped"));
    assertThat(said(done))
        .containsExactly(
            "started "
                + web("u-1")
                + "direction=both node=n1 by=annotation:kubectl_annotate_stopped");
    byApi = ImmutableMap.of();
    assertThat(said(done)).as("before the loop has heard that nobody asks").isEmpty();
    byRest = ImmutableMap.of("default/web", "alice");
    assertThat(said(done))
        .containsExactly(
            "continued "
                + web("u-1")
                + "direction=both node=n1 by=rest:alice"
                + " before=annotation:kubectl_annotate_stopped");
    assertThat(said(OneNode.wanting(WEB).with(ImmutableMap.of(WEB, Direction.FROM_POD)).done()))
        .containsExactly(
            "stopped "
                + web("u-1")
                + "direction=both node=n1 by=rest:alice from=2030-01-01T12:00:01Z"
                + " to=2030-01-01T12:00:04Z",
            "started " + web("u-1") + "direction=from-pod node=n1 by=rest:alice");
  }

  /** It is told of when the gap has closed, or when the node is seen again. */
  @Test
  void whoAsksInAGap() {
    OneNode wanted = OneNode.wanting(WEB);
    NodeStatus done = wanted.done();
    settings = settings("{pod: default/web}");
    assertThat(said(done)).hasSize(1);
    byRest = ImmutableMap.of("default/web", "alice");
    assertThat(said(wanted.after(OneNode.quiet()))).isEmpty();
    assertThat(said(wanted.after(OneNode.quiet()))).isEmpty();
    assertThat(said(done))
        .containsExactly(
            "continued " + web("-") + "direction=both node=n1 by=file,rest:alice before=file");
    byRest = ImmutableMap.of();
    assertThat(said(wanted.lost("no OpenFlow: away").done())).isEmpty();
    assertThat(said(done))
        .containsExactly(
            "continued " + web("-") + "direction=both node=n1 by=file before=file,rest:alice");
    assertThat(said(done)).isEmpty();
  }

  @Test
  void everythingIsEachOfThePods() {
    byRest = ImmutableMap.of("", "root");
    assertThat(said(OneNode.quiet().allMirrored().done()))
        .containsExactlyInAnyOrder(
            "started " + web("-") + "direction=both node=n1 by=global:root",
            "started pod=secret/db uid=- interface=primary port=db_h direction=both node=n1"
                + " by=global:root");
    byRest = ImmutableMap.of();
    settings = settings("{pod: default/web}");
    assertThat(said(OneNode.wanting(WEB).done()))
        .hasSize(2)
        .anyMatch(line -> line.startsWith("continued " + web("-")) && line.contains(" by=file "))
        .anyMatch(line -> line.startsWith("stopped pod=secret/db"));
  }

  /** A pod that comes back under its name is another tap. */
  @Test
  void aPodOfTheSameNameIsAnother() {
    OneNode wanted = OneNode.wanting(WEB);
    assertThat(said(wanted.done())).hasSize(1);
    assertThat(said(wanted.withWebAt("web2_h").done()))
        .hasSize(2)
        .anyMatch(line -> line.startsWith("stopped " + web("-")))
        .anyMatch(line -> line.startsWith("started ") && line.contains("port=web2_h"));
  }

  /** Nobody watches any more: that is said, and is no end. */
  @Test
  void whatIsLeftToOthers() {
    NodeStatus done = OneNode.wanting(WEB, DB).done();
    said(done);
    assertThat(said(OneNode.wanting(WEB, DB).writtenBy(NodeStatus.Writer.ANOTHER).done()))
        .hasSize(2)
        .allMatch(line -> line.startsWith("left ") && line.contains("another controller"));
    said(done);
    log.accept(ImmutableMap.of());
    assertThat(taken()).hasSize(2).allMatch(line -> line.startsWith("left "));
    said(done);
    log.close();
    assertThat(taken())
        .hasSize(2)
        .allMatch(line -> line.startsWith("left ") && line.contains(" from=2030-01-01T12:00:"));
  }
}
