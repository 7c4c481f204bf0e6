// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.config.Direction;
import io.flowmirror.topology.PodInterface;
import io.flowmirror.topology.PodName;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class AskersTest {
  private static final PodInterface WEB = PodInterface.primary(new PodName("ns", "web"));
  private static final PodInterface DB = PodInterface.primary(new PodName("ns", "db"));
  private static final String ANNOTATION = "annotation:kubectl";

  private final Askers askers =
      new Askers(
          ImmutableMap.of(
              WEB,
              ImmutableMap.of(ANNOTATION, Direction.FROM_POD, "mirror:ns/m", Direction.TO_POD),
              DB,
              ImmutableMap.of(ANNOTATION, Direction.TO_POD)));

  @Test
  void whatAllAskForTogether() {
    assertThat(askers.directions())
        .containsOnly(Map.entry(WEB, Direction.BOTH), Map.entry(DB, Direction.TO_POD));
    assertThat(askers.names())
        .containsOnly(
            Map.entry(WEB, ImmutableSet.of(ANNOTATION, "mirror:ns/m")),
            Map.entry(DB, ImmutableSet.of(ANNOTATION)));
  }

  /** The same one by two pods of one VM. */
  @Test
  void twoWordsOfOne() {
    assertThat(
            Askers.united(
                ImmutableMap.of(ANNOTATION, Direction.TO_POD),
                ImmutableMap.of(ANNOTATION, Direction.FROM_POD)))
        .containsOnly(Map.entry(ANNOTATION, Direction.BOTH));
  }
}
