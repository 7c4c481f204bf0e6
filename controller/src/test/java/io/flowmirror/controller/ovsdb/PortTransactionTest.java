// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.ovsdb;

import static io.flowmirror.controller.ovsdb.BridgeTablesTest.json;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.google.common.collect.ImmutableSortedSet;
import io.flowmirror.flows.RowChange;
import io.flowmirror.flows.RowChange.AddInternalPort;
import io.flowmirror.flows.RowChange.Deselect;
import io.flowmirror.flows.RowChange.RemovePort;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PortTransactionTest {
  private static final JsonNode NULL = NullNode.getInstance();

  private final BridgeTables tables = new BridgeTables();

  @BeforeEach
  void aBridgeWithOnePortOfOursAndOneOfSomebodyElse() throws Exception {
    tables.update(
        json(
            """
            {'Bridge': {'#1': {'new': {'name': 'br-int', 'datapath_id': ['set', []],
               'mirrors': ['set', []],
               'ports': ['set', [['uuid', '#2'], ['uuid', '#3']]]}}},
             'Port': {
               '#2': {'new': {'name': 'ours', 'interfaces': ['uuid', '#4'],
                 'external_ids': ['map', [['flowmirror', 'mirror-port']]]}},
               '#3': {'new': {'name': 'foreign', 'interfaces': ['uuid', '#5'],
                 'external_ids': ['map', [['flowmirror', 'attach']]]}}}}
            """));
  }

  @Test
  void whatIsTrueAlreadyNeedsNoTransaction() {
    assertThat(
            plan(
                    new AddInternalPort("ours"),
                    new AddInternalPort("foreign"),
                    new RemovePort("foreign"),
                    new RemovePort("absent"))
                .isEmpty())
        .isTrue();
    assertThat(plan().isEmpty()).isTrue();
  }

  @Test
  void aPortIsAddedByMutateAfterAGuard() throws Exception {
    assertThat(plan(new AddInternalPort("mirror0")).params())
        .isEqualTo(
            json(
                """
                ['Open_vSwitch',
                 {'op': 'wait', 'table': 'Port', 'timeout': 0, 'until': '==',
                  'where': [['name', '==', 'mirror0']], 'columns': ['name'], 'rows': []},
                 {'op': 'insert', 'table': 'Interface', 'uuid-name': 'interface1',
                  'row': {'name': 'mirror0', 'type': 'internal'}},
                 {'op': 'insert', 'table': 'Port', 'uuid-name': 'port1',
                  'row': {'name': 'mirror0', 'interfaces': ['named-uuid', 'interface1'],
                          'external_ids': ['map', [['flowmirror', 'mirror-port']]]}},
                 {'op': 'mutate', 'table': 'Bridge', 'where': [['name', '==', 'br-int']],
                  'mutations': [['ports', 'insert', ['named-uuid', 'port1']]]},
                 {'op': 'comment',
                  'comment': 'flowmirror: [add port mirror0 (type=internal)]'}]
                """));
  }

  @Test
  void aPortIsRemovedByMutateWhileItBearsOurMark() throws Exception {
    assertThat(plan(new RemovePort("ours")).params())
        .isEqualTo(
            json(
                """
                ['Open_vSwitch',
                 {'op': 'wait', 'table': 'Port', 'timeout': 0, 'until': '==',
                  'where': [['_uuid', '==', ['uuid', '#2']],
                            ['external_ids', 'includes', ['map', [['flowmirror', 'mirror-port']]]]],
                  'columns': ['name'], 'rows': [{'name': 'ours'}]},
                 {'op': 'mutate', 'table': 'Bridge', 'where': [['name', '==', 'br-int']],
                  'mutations': [['ports', 'delete', ['uuid', '#2']]]},
                 {'op': 'comment', 'comment': 'flowmirror: [remove port ours]'}]
                """));
  }

  /**
   * Of several Mirrors, the one of that name and output; of what it selects, only what is asked.
   */
  @Test
  void portsAreTakenOutOfAMirrorByMutateWhileItHasThatOutput() throws Exception {
    tables.update(
        json(
            """
            {'Bridge': {'#1': {'new': {'name': 'br-int', 'datapath_id': ['set', []],
               'mirrors': ['set', [['uuid', '#6'], ['uuid', '#7'], ['uuid', '#8']]],
               'ports': ['set', [['uuid', '#2'], ['uuid', '#3'], ['uuid', '#9']]]}}},
             'Port': {'#9': {'new': {'name': 'pod', 'interfaces': ['uuid', '#4'],
                 'external_ids': ['map', []]}}},
             'Mirror': {
               '#6': {'new': {'name': 'm0', 'output_port': ['uuid', '#3'], 'select_all': false,
                 'select_src_port': ['set', []],
                 'select_dst_port': ['set', [['uuid', '#2'], ['uuid', '#9']]]}},
               '#7': {'new': {'name': 'm0', 'output_port': ['uuid', '#2'], 'select_all': false,
                 'select_src_port': ['set', []], 'select_dst_port': ['uuid', '#9']}},
               '#8': {'new': {'name': 'm1', 'output_port': ['uuid', '#3'], 'select_all': false,
                 'select_src_port': ['uuid', '#9'], 'select_dst_port': ['set', []]}}}}
            """));
    Deselect change = new Deselect("m0", "foreign", ImmutableSortedSet.of("absent", "pod"));
    assertThat(plan(change).params())
        .isEqualTo(
            json(
                """
                ['Open_vSwitch',
                 {'op': 'wait', 'table': 'Mirror', 'timeout': 0, 'until': '==',
                  'where': [['_uuid', '==', ['uuid', '#6']]],
                  'columns': ['output_port'], 'rows': [{'output_port': ['uuid', '#3']}]},
                 {'op': 'mutate', 'table': 'Mirror', 'where': [['_uuid', '==', ['uuid', '#6']]],
                  'mutations': [['select_src_port', 'delete', ['set', [['uuid', '#9']]]],
                                ['select_dst_port', 'delete', ['set', [['uuid', '#9']]]]]},
                 {'op': 'comment', 'comment': 'flowmirror: [take absent, pod out of Mirror m0]'}]
                """));
    assertThat(plan(new Deselect("m0", "foreign", ImmutableSortedSet.of("foreign"))).isEmpty())
        .isTrue();
    assertThat(plan(new Deselect("m0", "pod", ImmutableSortedSet.of("pod"))).isEmpty()).isTrue();
  }

  @Test
  void aChangeThatIsAskedForTwiceIsMadeOnce() {
    assertThat(
            plan(
                    new AddInternalPort("a"),
                    new AddInternalPort("b"),
                    new AddInternalPort("a"),
                    new RemovePort("ours"),
                    new RemovePort("ours"))
                .params())
        .hasSize(1 + 4 + 4 + 2 + 1);
  }

  @Test
  void samePlansAreEqual() {
    assertThat(plan(new RemovePort("ours")).sameAs(plan(new RemovePort("ours")))).isTrue();
    assertThat(plan(new RemovePort("ours")).sameAs(plan(new AddInternalPort("a")))).isFalse();
  }

  @Test
  void successIsNotRefused() throws Exception {
    assertOutcome("[{}, {'uuid': ['uuid', '#8']}, {'uuid': ['uuid', '#9']}, {'count': 1}, {}]", "");
  }

  @Test
  void aFailedWaitIsNamedAndMayBePlannedAnew() throws Exception {
    PortTransaction.Outcome outcome =
        plan(new AddInternalPort("mirror0"))
            .outcome(
                json("[{'error': 'timed out', 'details': 'where failed'}, null, null, null, null]"),
                NULL);
    assertThat(outcome.refused())
        .isEqualTo(
            "operation 1 (wait until no port is called mirror0) failed: timed out: where failed");
    assertThat(outcome.outdated()).isTrue();
  }

  @Test
  void theFailedOperationIsNamed() throws Exception {
    assertOutcome(
        "[{}, {'error': 'constraint violation', 'details': 'too long'}, null, null, null]",
        "operation 2 (insert interface mirror0) failed: constraint violation: too long");
    assertOutcome(
        "[{}, {}, {}, {'count': 1}, {}, {'error': 'I/O error'}]", "the commit failed: I/O error");
  }

  @Test
  void aBridgeThatIsNotThereIsNamed() throws Exception {
    assertOutcome("[{}, {}, {}, {'count': 0}, {}]", "there is no bridge br-int");
  }

  @Test
  void aRefusedRequestIsNamed() throws Exception {
    PortTransaction plan = plan(new AddInternalPort("mirror0"));
    assertThat(plan.outcome(NULL, json("{'error': 'unknown database'}")).refused())
        .isEqualTo("the transaction was refused: unknown database");
    assertThat(plan.outcome(NULL, json("'canceled'")).refused())
        .isEqualTo("the transaction was refused: canceled");
    assertThat(plan.outcome(NULL, NULL).refused())
        .isEqualTo("the answer to the transaction is not an array");
  }

  @Test
  void anAnswerThatLeavesOperationsOutIsNoSuccess() throws Exception {
    assertOutcome("[]", "the answer has 0 results for the 5 operations of the transaction");
    assertOutcome(
        "[{}, {}, {}, {'count': 1}]",
        "the answer has 4 results for the 5 operations of the transaction");
    assertOutcome(
        "[{'error': 'x'}]", "operation 1 (wait until no port is called mirror0) failed: x", true);
  }

  @Test
  void anErrorIsOneShortLine() throws Exception {
    PortTransaction plan = plan(new AddInternalPort("mirror0"));
    assertThat(plan.outcome(NULL, json("'\\n\\u001b[31m" + "x".repeat(100_000) + "'")).refused())
        .startsWith("the transaction was refused: \\u000a\\u001b[31mxxx")
        .hasSizeLessThan(400);
    assertThat(plan.outcome(json("[{}, {'error': 'a\\tb', 'details': {}}]"), NULL).refused())
        .isEqualTo("operation 2 (insert interface mirror0) failed: a\\u0009b");
  }

  private PortTransaction plan(RowChange... changes) {
    return PortTransaction.plan("br-int", tables, List.of(changes));
  }

  private void assertOutcome(String result, String refused) throws Exception {
    assertOutcome(result, refused, false);
  }

  private void assertOutcome(String result, String refused, boolean outdated) throws Exception {
    assertThat(plan(new AddInternalPort("mirror0")).outcome(json(result), NULL))
        .isEqualTo(new PortTransaction.Outcome(refused, outdated));
  }
}
