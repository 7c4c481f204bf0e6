// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.ovsdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.controller.transport.UnansweredException;
import io.flowmirror.topology.InterfaceCounters;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The select of interfaces' counters, and answers to it. */
class CounterQueryTest {
  private static final String ROW =
      """
      {"_uuid":["uuid","00000000-0000-0000-0000-000000000001"],"name":"web_h","mtu":1400,\
      "admin_state":"up","link_state":"down","error":["set",[]],\
      "statistics":["map",[["rx_packets",1],["rx_bytes",2],["rx_dropped",3],["tx_packets",4],\
      ["tx_bytes",9223372036854775807],["tx_dropped",6],["tx_colour",7]]],"cfm_health":["set",[]]}\
      """;

  private final CounterQuery query = new CounterQuery(ImmutableSet.of("web_h", "gone"));

  private InterfaceCounters read(String row) throws Exception {
    return query.answer(json("[{\"rows\":[" + row + "]},{\"rows\":[]}]"), noError()).get("web_h");
  }

  private static JsonNode json(String text) throws JsonProcessingException {
    return new JsonMapper().readTree(text);
  }

  private static JsonNode noError() {
    return JsonNodeFactory.instance.nullNode();
  }

  @Test
  void asksForEachByName() {
    assertThat(query.params().toString())
        .isEqualTo(
            "[\"Open_vSwitch\",{\"op\":\"select\",\"table\":\"Interface\","
                + "\"where\":[[\"name\",\"==\",\"web_h\"]],\"columns\":[\"_uuid\",\"name\","
                + "\"mtu\",\"admin_state\",\"link_state\",\"statistics\",\"error\"]},"
                + "{\"op\":\"select\",\"table\":\"Interface\","
                + "\"where\":[[\"name\",\"==\",\"gone\"]],\"columns\":[\"_uuid\",\"name\","
                + "\"mtu\",\"admin_state\",\"link_state\",\"statistics\",\"error\"]}]");
  }

  @Test
  void readsWhatItKnowsAndLeavesTheRest() throws Exception {
    assertThat(query.answer(json("[{\"rows\":[" + ROW + "]},{\"rows\":[]}]"), noError()))
        .containsOnlyKeys("web_h");
    assertThat(read(ROW))
        .isEqualTo(
            new InterfaceCounters(
                "web_h",
                OptionalInt.of(1400),
                Optional.of(true),
                Optional.of(false),
                OptionalLong.of(1),
                OptionalLong.of(2),
                OptionalLong.of(3),
                OptionalLong.of(4),
                OptionalLong.of(Long.MAX_VALUE),
                OptionalLong.of(6),
                ""));
  }

  /** As of an interface that the switch could not make. */
  @Test
  void readsWhatTheSwitchDoesNotSay() throws Exception {
    String row =
        """
        {"_uuid":["uuid","00000000-0000-0000-0000-000000000001"],"name":"web_h",\
        "mtu":["set",[]],"admin_state":["set",[]],"link_state":["set",[]],\
        "statistics":["map",[["rx_packets",-1]]],"error":"no such device"}\
        """;
    assertThat(read(row))
        .isEqualTo(
            new InterfaceCounters(
                "web_h",
                OptionalInt.empty(),
                Optional.empty(),
                Optional.empty(),
                OptionalLong.empty(),
                OptionalLong.empty(),
                OptionalLong.empty(),
                OptionalLong.empty(),
                OptionalLong.empty(),
                OptionalLong.empty(),
                "no such device"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"mtu\":1400|\"mtu\":\"wide\"|column mtu is not an integer",
        "\"mtu\":1400|\"mtv\":1400|column mtu is missing",
        "\"name\":\"web_h\"|\"name\":7|column name is not a string: 7",
        "\"name\":\"web_h\"|\"name\":\"db_h\"|an interface that was not asked for: db_h",
        "\"up\"|\"sideways\"|column admin_state is not up or down: sideways",
        "\"down\"|[\"set\",[\"up\",\"down\"]]|column link_state is not at most one string",
        "[\"map\",[|[\"set\",[|column statistics is not a map",
        "[\"rx_packets\",1]|[\"rx_packets\"]|column statistics is not a pair",
        "[\"rx_packets\",1]|[\"rx_packets\",\"1\"]|column statistics is not a pair",
        "[\"rx_packets\",1]|[\"rx_packets\",1.5]|column statistics is not a pair",
        "[\"rx_packets\",1]|[\"rx_packets\",9223372036854775808]|column statistics is not a pair",
        "[\"rx_packets\",1]|[\"rx_bytes\",1]|column statistics is not a map whose keys differ",
        "[\"set\",[]],\"stat|{},\"stat|column error is not a string",
        "[\"uuid\",\"0000|[\"uuid\",\"000g|the row's UUID is",
      })
  void namesTheColumnThatItCannotRead(String good, String bad, String words) {
    assertThat(ROW).contains(good);
    assertThatThrownBy(() -> read(ROW.replace(good, bad)))
        .isInstanceOf(BadRowException.class)
        .hasMessageContaining(words);
  }

  @ParameterizedTest
  @ValueSource(strings = {"{}", "7", "[]", "[{\"rows\":[]}]", "[{},{}]", "[{\"rows\":7},{}]"})
  void anAnswerThatIsNoneIsRefused(String answer) {
    assertThatThrownBy(() -> query.answer(json(answer), noError()))
        .isInstanceOf(BadRowException.class);
  }

  @Test
  void whatTheDatabaseRefusesIsTold() {
    assertThatThrownBy(() -> query.answer(noError(), json("{\"error\":\"unknown database\"}")))
        .isInstanceOf(UnansweredException.class)
        .hasMessage("the database refused the select: {\"error\":\"unknown database\"}");
    assertThatThrownBy(
            () ->
                query.answer(
                    json("[{\"error\":\"unknown column\",\"details\":\"mtu\\nx\"},null]"),
                    noError()))
        .isInstanceOf(UnansweredException.class)
        .hasMessageContaining("unknown column")
        .satisfies(failure -> assertThat(failure.getMessage()).doesNotContain("\n"));
  }
}
