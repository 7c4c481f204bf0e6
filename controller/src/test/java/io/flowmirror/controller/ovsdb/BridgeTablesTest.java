// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.ovsdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.flowmirror.topology.Bridge;
import io.flowmirror.topology.BridgeMirror;
import io.flowmirror.topology.Interface;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** In the updates below, {@code #n} stands for a UUID and single quotes for double ones. */
class BridgeTablesTest {
  private static final String TWO_PORTS =
      """
      {'Open_vSwitch': {'#1': {'new': {
         'other_config': ['map', [['flow-restore-wait', 'true']]]}}},
       'Bridge': {'#2': {'new': {'name': 'br-int', 'datapath_id': '0000020000000101',
         'ports': ['set', [['uuid', '#3'], ['uuid', '#4']]], 'mirrors': ['uuid', '#7']}}},
       'Port': {
         '#3': {'new': {'name': 'br-int', 'interfaces': ['uuid', '#5'],
           'external_ids': ['map', []]}},
         '#4': {'new': {'name': 'veth1', 'interfaces': ['set', [['uuid', '#6']]],
           'external_ids': ['map', [['owner', 'me']]]}}},
       'Interface': {
         '#5': {'new': {'name': 'br-int', 'type': 'internal', 'ofport': 65534,
           'error': ['set', []], 'external_ids': ['map', []]}},
         '#6': {'new': {'name': 'veth1', 'type': '', 'ofport': ['set', []],
           'error': ['set', ['no such device']],
           'external_ids': ['map', [['pod_name', 'a "b", ü=漢'], ['iface-id', 'a.b']]]}}},
       'Mirror': {'#7': {'new': {'name': 'm0', 'output_port': ['uuid', '#4'], 'select_all': false,
         'select_src_port': ['set', []], 'select_dst_port': ['uuid', '#3']}}}}
      """;

  private final BridgeTables tables = new BridgeTables();

  @Test
  void theRequestNamesTheColumnsThatAreUsed() {
    assertThat(BridgeTables.monitorRequests().toString())
        .contains("\"Port\":{\"columns\":[\"name\",\"interfaces\",\"external_ids\"]}");
  }

  @Test
  void theFirstAnswerIsTheWholeBridge() throws Exception {
    tables.update(json(TWO_PORTS));

    Bridge bridge = tables.bridge("br-int").orElseThrow();
    assertThat(bridge.datapathId()).isEqualTo("0000020000000101");
    assertThat(bridge.flowRestoreWait()).isTrue();
    assertThat(bridge.interfaces().keySet()).containsExactly("br-int", "veth1");
    Interface local = bridge.interfaces().get("br-int");
    assertThat(local.type()).isEqualTo("internal");
    assertThat(local.ofport()).hasValue(65534);
    assertThat(local.error()).isEmpty();
    Interface veth = bridge.interfaces().get("veth1");
    assertThat(veth.portName()).isEqualTo("veth1");
    assertThat(veth.ofport()).isEqualTo(OptionalInt.empty());
    assertThat(veth.error()).isEqualTo("no such device");
    assertThat(veth.externalIds()).containsEntry("pod_name", "a \"b\", ü=漢");
    assertThat(veth.portExternalIds()).containsEntry("owner", "me");
    BridgeMirror mirror = bridge.mirrors().get(0);
    assertThat(mirror.name()).isEqualTo("m0");
    assertThat(mirror.outputPort()).isEqualTo("veth1");
    assertThat(mirror.selected()).containsExactly("br-int");
    assertThat(mirror.selectsAnything()).isTrue();
  }

  @Test
  void thereIsNoBridgeOfAnotherName() throws Exception {
    tables.update(json(TWO_PORTS));
    assertThat(tables.bridge("br-ext")).isEmpty();
    assertThat(new BridgeTables().bridge("br-int")).isEqualTo(Optional.empty());
  }

  @Test
  void aChangedRowReplacesTheOldOneAndADeletedOneGoes() throws Exception {
    tables.update(json(TWO_PORTS));
    tables.update(
        json(
            """
            {'Bridge': {'#2': {'old': {'ports': ['set', []], 'mirrors': ['uuid', '#7']},
               'new': {'name': 'br-int', 'datapath_id': ['set', []],
                 'ports': ['uuid', '#3'], 'mirrors': ['set', []]}}},
             'Open_vSwitch': {'#1': {'new': {
               'other_config': ['map', []]}}},
             'Port': {'#4': {'old': {'name': 'veth1'}}},
             'Interface': {
               '#6': {'old': {'name': 'veth1'}},
               '#5': {'old': {'ofport': 65534}, 'new': {'name': 'br-int', 'type': 'internal',
                 'ofport': ['set', [1]], 'error': ['set', []], 'external_ids': ['map', []]}}},
             'Mirror': {'#7': {'old': {}}}}
            """));

    Bridge bridge = tables.bridge("br-int").orElseThrow();
    assertThat(bridge.flowRestoreWait()).isFalse();
    assertThat(bridge.interfaces().keySet()).containsExactly("br-int");
    assertThat(bridge.interfaces().get("br-int").ofport()).hasValue(1);
    assertThat(bridge.mirrors()).isEmpty();
    assertThat(tables.port("br-int", "veth1")).isEmpty();
  }

  @Test
  void aNewRowIsAdded() throws Exception {
    tables.update(json(TWO_PORTS));
    tables.update(
        json(
            """
            {'Bridge': {'#2': {'new': {'name': 'br-int', 'datapath_id': ['set', []],
               'mirrors': ['set', []],
               'ports': ['set', [['uuid', '#3'], ['uuid', '#4'], ['uuid', '#8']]]}}},
             'Port': {'#8': {'new': {'name': 'bond', 'external_ids': ['map', []],
               'interfaces': ['set', [['uuid', '#9'], ['uuid', '#a']]]}}},
             'Interface': {
               '#9': {'new': {'name': 'eth0', 'type': '', 'ofport': 2, 'error': ['set', []],
                 'external_ids': ['map', []]}},
               '#a': {'new': {'name': 'eth1', 'type': '', 'ofport': -1, 'error': ['set', []],
                 'external_ids': ['map', []]}}}}
            """));

    Bridge bridge = tables.bridge("br-int").orElseThrow();
    assertThat(bridge.interfaces().keySet()).containsExactly("br-int", "eth0", "eth1", "veth1");
    assertThat(bridge.interfaces().get("eth0").portName()).isEqualTo("bond");
    assertThat(bridge.interfaces().get("eth1").ofport()).hasValue(-1);
  }

  @Test
  void equalContentGivesAnEqualBridge() throws Exception {
    tables.update(json(TWO_PORTS));
    Bridge before = tables.bridge("br-int").orElseThrow();
    tables.update(
        json(
            "{'Port': {'#4': {'new': {'name': 'veth1', 'interfaces': ['uuid', '#6'],"
                + " 'external_ids': ['map', [['owner', 'me']]]}}}}"));
    assertThat(tables.bridge("br-int")).contains(before);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "Open_vSwitch | 'other_config': ['map', [['flow-restore-wait', 'true']]] "
            + "| 'other_config': ['map', [['flow-restore-wait', true]]]",
        "Bridge | 'name': 'br-int' | 'name': ['set', []]",
        "Bridge | 'mirrors': ['uuid', '#7'] | 'mirrors': 'm0'",
        "Bridge | ['uuid', '#4']]] | ['uuid', 'x']]]",
        "Bridge | ['uuid', '#4']]] | ['uuid', '1-1-1-1-1']]]",
        "Port | 'interfaces': ['uuid', '#5'] | 'interfaces': ['set', ['uuid', '#5']]",
        "Port | 'interfaces': ['set', [['uuid', '#6']]] | 'interfaces': ['set', 1]",
        "Port | [['owner', 'me']] | [['owner']]",
        "Port | [['owner', 'me']] | [['owner', 'me'], ['owner', 'you']]",
        "Port | 'name': 'br-int', 'interfaces' | 'name': ['uuid', '#1'], 'interfaces'",
        "Bridge | [['uuid', '#3'], ['uuid', '#4']] | [['uuid', '#3'], ['uuid', '#3']]",
        "Port | 'external_ids': ['map', []] | 'external_ids': []",
        "Interface | 'ofport': 65534 | 'ofport': '65534'",
        "Interface | 'ofport': 65534 | 'ofport': 65534.5",
        "Interface | 'ofport': 65534 | 'ofport': 9223372036854775808",
        "Interface | 'ofport': 65534 | 'ofport': ['set', [1, 2]]",
        "Interface | 'error': ['set', ['no such device']] | 'error': null",
        "Interface | 'type': 'internal', | ``",
        "Mirror | 'output_port': ['uuid', '#4'] | 'output_port': 'veth1'",
        "Mirror | 'select_all': false | 'select_all': 'false'",
      })
  void aBadValueIsNamedAndNothingOfItsUpdateIsTaken(String table, String good, String bad)
      throws Exception {
    tables.update(json(TWO_PORTS));
    Bridge before = tables.bridge("br-int").orElseThrow();
    String update = TWO_PORTS.replace("'name': 'm0'", "'name': 'other'");
    assertThat(update).contains(good);
    JsonNode wrong = json(update.replace(good, bad == null ? "" : bad));

    String column = good.startsWith("'") ? good.substring(1, good.indexOf("':")) : "";
    assertThatThrownBy(() -> tables.update(wrong))
        .isInstanceOf(BadRowException.class)
        .hasMessageContaining("table " + table + ", row 00000000-")
        .hasMessageContaining("column " + column);
    assertThat(tables.bridge("br-int")).contains(before);
  }

  @Test
  void aBadUpdateIsRefused() {
    assertThatThrownBy(() -> tables.update(json("[]"))).isInstanceOf(BadRowException.class);
    assertThatThrownBy(() -> tables.update(json("{'Port': []}")))
        .hasMessageContaining("table Port");
    assertThatThrownBy(() -> tables.update(json("{'Port': {'x': {}}}")))
        .hasMessageContaining("table Port: the row's UUID is 'x'");
    assertThatThrownBy(() -> tables.update(json("{'Port': {'#0': {}}}")))
        .hasMessageContaining("has neither old nor new columns");
    assertThatThrownBy(() -> tables.update(json("{'Port': {'#0': {'old': 7}}}")))
        .hasMessageContaining("has neither old nor new columns");
    assertThatThrownBy(() -> tables.update(json("{'Port': {'#0': 7}}")))
        .hasMessageContaining("has neither old nor new columns");
    assertThatThrownBy(
            () ->
                tables.update(
                    json("{'Port': {'0000000A-0000-0000-0000-000000000000': {'old': {}}}}")))
        .as("the database writes them in lower case, and so no row comes by two keys")
        .hasMessageContaining("the row's UUID is '0000000A-");
    assertThatThrownBy(() -> tables.update(json("{'QoS': {'#1': {'new': {}}}}")))
        .hasMessageContaining("table QoS was not asked for");
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "-1, -1", // as ovs-vswitchd writes for a port that it could not open
    "65534, 65534",
    "70000, 70000",
    "4294967296, 2147483647",
    "-9223372036854775808, -2147483648"
  })
  void anyNumberThatARealDatabaseTakesIsTaken(String written, int read) throws Exception {
    tables.update(json(TWO_PORTS.replace("65534", written)));
    assertThat(tables.bridge("br-int").orElseThrow().interfaces().get("br-int").ofport())
        .hasValue(read);
  }

  @Test
  void twoInterfacesMayClaimOneNumber() throws Exception {
    // As they do while ovs-vswitchd starts: one has it from before.
    tables.update(json(TWO_PORTS.replace("'ofport': ['set', []]", "'ofport': 65534")));
    assertThat(tables.bridge("br-int").orElseThrow().interfaces().values())
        .extracting(Interface::ofport)
        .containsOnly(OptionalInt.of(65534));
  }

  @Test
  void textIsFitForATerminal() throws Exception {
    tables.update(
        json(
            TWO_PORTS
                .replace("'name': 'veth1'", "'name': 've\\n\\u001b]0;x\\u0007th'")
                .replace("no such device", "no\\r\\u202esuch " + "x".repeat(1000))
                .replace("'b', ü", "'b', \\u009b2Jü")));
    Interface odd =
        tables.bridge("br-int").orElseThrow().interfaces().get("ve\\u000a\\u001b]0;x\\u0007th");
    assertThat(odd.portName()).isEqualTo(odd.name());
    assertThat(odd.error()).startsWith("no\\u000d\\u202esuch x").hasSize(255).endsWith("x…");
    assertThat(odd.externalIds()).containsEntry("pod_name", "a \"b\", ü=漢");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'#2': { | {'#8': {'new': {'name': 'br-int', 'datapath_id': '', 'ports': ['set', []], "
            + "'mirrors': ['set', []]}}, '#2': { | column name is br-int, as is another bridge's",
        "'name': 'veth1', 'interfaces' | 'name': 'br-int', 'interfaces' "
            + "| table Port, row #4: column name is br-int, as is another port's",
        "'name': 'veth1', 'type' | 'name': 'br-int', 'type' "
            + "| table Port, row #4: column interfaces has br-int, which port br-int has too",
        "'interfaces': ['set', [['uuid', '#6']]] | 'interfaces': ['uuid', '#5'] "
            + "| table Port, row #4: column interfaces has br-int, which port br-int has too",
        "{'#1': { | {'#8': {'new': {'other_config': ['map', []]}}, '#1': { "
            + "| table Open_vSwitch: it has 2 rows, not one",
      })
  void rowsThatContradictEachOtherAreNamed(String good, String bad, String reason)
      throws Exception {
    assertThat(TWO_PORTS).contains(good);
    tables.update(json(TWO_PORTS.replace(good, bad)));
    assertThatThrownBy(() -> tables.bridge("br-int"))
        .isInstanceOf(BadRowException.class)
        .hasMessageContaining(uuids(reason));
  }

  @Test
  void rowsAreBounded() throws Exception {
    BridgeTables small = new BridgeTables(2, 1 << 20);
    small.update(json(TWO_PORTS));
    String before = small.toString();
    String more =
        "{'Port': {'#8': {'new': {'name': 'x', 'interfaces': ['uuid', '#6'], 'external_ids':"
            + " ['map', []]}}%s}}";
    assertThatThrownBy(() -> small.update(json(more.formatted(""))))
        .isInstanceOf(BadRowException.class)
        .hasMessage("table Port: it has more than 2 rows");
    assertThat(small).hasToString(before);
    // Instead of another is not more.
    small.update(json(more.formatted(", '#4': {'old': {}}")));
  }

  @Test
  void bytesAreBoundedAndGivenBack() throws Exception {
    BridgeTables small = new BridgeTables(100, 10_000);
    small.update(json(TWO_PORTS));
    String row =
        "{'Port': {'#8': {'new': {'name': 'x', 'interfaces': ['uuid', '#6'], 'external_ids':"
            + " ['map', [['k', '%s']]]}}}}";
    String before = small.toString();
    assertThatThrownBy(() -> small.update(json(row.formatted("x".repeat(10_000)))))
        .isInstanceOf(BadRowException.class)
        .hasMessage(
            "table Port, row 00000000-0000-0000-0000-000000000008: with it the rows would occupy"
                + " more than 10000 bytes");
    assertThat(small).hasToString(before);
    for (int i = 0; i < 100; i++) {
      small.update(json(row.formatted("x".repeat(5000 + i))));
      if (i % 2 == 0) {
        small.update(json("{'Port': {'#8': {'old': {}}}}"));
        small.update(json("{'Port': {'#8': {'old': {}}}}"));
      }
    }
    small.update(json("{'Port': {'#8': {'old': {}}}}"));
    assertThat(small).hasToString(before);
  }

  @Test
  void aReferenceToNothingIsNamed() throws Exception {
    tables.update(json(TWO_PORTS));
    tables.update(json("{'Interface': {'#6': {'old': {}}}}"));
    assertThatThrownBy(() -> tables.bridge("br-int"))
        .hasMessage(
            "table Interface: row 00000000-0000-0000-0000-000000000006 is referred to but missing");
  }

  @Test
  void aLongValueIsCutInTheMessage() throws Exception {
    String longName = "x".repeat(10_000);
    assertThatThrownBy(
            () ->
                tables.update(
                    json(
                        TWO_PORTS.replace(
                            "'select_all': false", "'select_all': '" + longName + "'"))))
        .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(300));
  }

  @Test
  void aNameThatNoPersonWouldReadIsRefused() {
    assertThatThrownBy(
            () -> tables.update(json(TWO_PORTS.replace("'veth1'", "'" + "x".repeat(256) + "'"))))
        .hasMessageContaining("column name is not at most 255 characters: \"xxx");
  }

  static JsonNode json(String text) throws JsonProcessingException {
    // Characters of a JSON string that stand for themselves here are escaped first.
    String quoted = text.replace("\"", "\\\"").replace('\'', '"');
    return new JsonMapper().readTree(uuids(quoted));
  }

  /** The text, with a UUID in place of each {@code #n}. */
  static String uuids(String text) {
    return text.replaceAll("#([0-9a-f])", "00000000-0000-0000-0000-00000000000$1");
  }
}
