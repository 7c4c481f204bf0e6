// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableSortedSet;
import io.flowmirror.topology.Fact;
import io.flowmirror.topology.Node;
import io.flowmirror.topology.Topology;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is installed for the world as it was, held against the ports that there are now. */
final class DepartedTest {
  private static final String WEB = "port 5 web_h pod=default/web key=2/3";
  private static final String DB = "port 6 db_h pod=default/db key=2/4";
  private static final String MIRROR = "port 3 mirror0 type=internal";
  private static final List<String> WORLD =
      List.of("table 65", MIRROR, WEB, DB, "mirror default/web both", "mirror default/db from-pod");
  private static final String E1 = "FROM_PORT of web";
  private static final String E2 = "TO_PORT of web";
  private static final String E3 = "COPIED_ALREADY of web";

  @Test
  void nothingHasWhileAllIsAsItWas() {
    assertThat(departed()).isEmpty();
    assertThat(departed("no ovsdb")).isEmpty();
    assertThat(departed("no openflow")).isEmpty();
    assertThat(departed("mirror default/other both")).isEmpty();
  }

  @Test
  void aPortThatIsGoneTakesItsEntriesWithIt() {
    assertThat(departed("- " + WEB)).containsExactly(E3, E1, E2);
    assertThat(departed("- " + WEB, WEB + " only-ovsdb")).containsExactly(E3, E1, E2);
  }

  /**
   * Keys may be on their way, as far as anybody knows: what OVSDB knows to be gone does not wait.
   */
  @Test
  void whileOvsdbIsAwayItsLastWordIsEnough() {
    assertThat(departed("no ovsdb", "- " + WEB)).containsExactly(E3, E1, E2);
    assertThat(departed("no ovsdb", "- " + WEB, "port 5 web_h pod=default/web")).isEmpty();
    assertThat(departed("- " + WEB, "port 5 web_h pod=default/web")).containsExactly(E3, E2);
  }

  /** None of OVN's entries is there: it is about to put them back. */
  @Test
  void whileOvnIsAwayNoKeysAreNobodys() {
    assertThat(
            departed(
                "- " + WEB,
                "- " + DB,
                "port 5 web_h pod=default/web",
                "port 6 db_h pod=default/db"))
        .isEmpty();
    assertThat(departed("- table 65")).isEmpty();
  }

  @Test
  void keysThatAreAnothersNow() {
    String moved = "port 5 web_h pod=default/web key=2/9";
    assertThat(departed("- " + WEB, moved, "- " + DB, "port 6 db_h pod=default/db key=2/3"))
        .contains(E2);
    // OVSDB has not said what the next port is; but web's is another.
    assertThat(
            departed(
                "no ovsdb",
                "- " + WEB,
                "port 5 web_h pod=default/web",
                "port 9 next_h pod=default/next key=2/3"))
        .containsExactly(E3, E2);
  }

  @Test
  void aNumberThatIsAnothersNow() {
    assertThat(departed("- " + WEB, "port 5 next_h pod=default/next key=2/3"))
        .containsExactly(E3, E1, E2);
    assertThat(departed("no ovsdb", "- " + WEB, "port 5 next_h pod=default/next key=2/9"))
        .containsExactly(E3, E1, E2);
  }

  /** It may be the one that the entries were made for: OVSDB knows none of that logical port. */
  @Test
  void aPortOfWhichOvsdbSaysNothingKeepsItsEntries() {
    assertThat(departed("- " + WEB, WEB + " only-openflow")).isEmpty();
  }

  @Test
  void aMirrorPortThatIsGoneOrAPodsNow() {
    assertThat(departed("- " + MIRROR)).contains(E1, E2).doesNotContain(E3);
    assertThat(departed("- " + MIRROR, "port 3 next_h pod=default/next key=2/8"))
        .contains(E1, E2)
        .doesNotContain(E3);
  }

  /** The roles, and whose, of what was installed before these statements and has departed since. */
  private static ImmutableSortedSet<String> departed(String... since) {
    List<String> now = new ArrayList<>(WORLD);
    for (String statement : since) {
      if (!statement.startsWith("- ")) {
        now.add(statement);
      } else {
        assertThat(now.remove(statement.substring(2))).isTrue();
      }
    }
    Topology before = Scenario.topology(WORLD);
    Topology after = before;
    for (Fact fact : Scenario.facts(now, 1)) {
      after = after.with(fact);
    }
    Node node = after.node(Scenario.NODE);
    return MirrorCompiler.compile(Scenario.intent(WORLD), before.node(Scenario.NODE))
        .entries()
        .values()
        .stream()
        .filter(planned -> Departed.of(node).includes(planned.entry()))
        .map(
            planned ->
                Cookie.role(planned.entry().cookie()).orElseThrow()
                    + planned.pod().map(pod -> " of " + pod.name()).orElse(""))
        .collect(ImmutableSortedSet.toImmutableSortedSet(Comparator.naturalOrder()));
  }
}
