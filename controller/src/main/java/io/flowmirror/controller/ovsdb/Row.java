// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.ovsdb;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.primitives.Ints;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A row as the database sends it, and its columns by type (RFC 7047, section 5.1).
 *
 * <p>What the types and the schema of a real database rule out is a {@link BadRowException}. What a
 * real one takes, odd as it may be, is taken: a row that somebody spoiled must not cost the node
 * its other rows. Strings are made {@linkplain Printable printable}: a name with a line end or an
 * escape sequence, which ovsdb-server stores and OpenFlow spells otherwise, then is no live port's.
 *
 * @param table the row's table
 * @param uuid the row's {@code _uuid}
 * @param columns an object with the value of each column
 */
record Row(String table, UUID uuid, JsonNode columns) {
  /** Names of tunnels and patch ports are longer than a network device's 15 characters. */
  static final int MAX_NAME = 255;

  private static final int MAX_SHOWN = 100;

  /** A column of one string that is shown to people. */
  String name(String column) throws BadRowException {
    return name(column, value(column));
  }

  /** A column of at most one such string; empty if there is none. */
  String optionalName(String column) throws BadRowException {
    JsonNode value = atMostOne(column, "string");
    return value.isMissingNode() ? "" : name(column, value);
  }

  private String name(String column, JsonNode value) throws BadRowException {
    String name = string(column, value);
    if (name.length() > MAX_NAME) {
      throw wrong(column, "at most " + MAX_NAME + " characters", value);
    }
    return name;
  }

  boolean bool(String column) throws BadRowException {
    JsonNode value = value(column);
    if (!value.isBoolean()) {
      throw wrong(column, "a boolean", value);
    }
    return value.booleanValue();
  }

  /** A column of at most one text for people, cut to a line; empty if there is none. */
  String optionalText(String column) throws BadRowException {
    JsonNode value = atMostOne(column, "string");
    return value.isMissingNode() ? "" : Printable.cut(string(column, value), MAX_NAME);
  }

  /**
   * A column of at most one integer. The database's have 64 bits; one that Java's {@code int} does
   * not hold becomes the nearest that it does.
   */
  OptionalInt optionalInt(String column) throws BadRowException {
    JsonNode value = atMostOne(column, "integer");
    if (value.isMissingNode()) {
      return OptionalInt.empty();
    }
    if (!value.isIntegralNumber() || !value.canConvertToLong()) {
      throw wrong(column, "an integer of 64 bits", value);
    }
    return OptionalInt.of(Ints.saturatedCast(value.longValue()));
  }

  /** A column of at most one reference. */
  Optional<UUID> optionalUuid(String column) throws BadRowException {
    JsonNode value = atMostOne(column, "uuid");
    return value.isMissingNode() ? Optional.empty() : Optional.of(uuid(column, value));
  }

  /** A column that is a set of references. */
  ImmutableList<UUID> uuids(String column) throws BadRowException {
    JsonNode value = value(column);
    if (!tagged("set", value)) {
      return ImmutableList.of(uuid(column, value)); // a set of one may be written as its element
    }
    Set<UUID> seen = new HashSet<>();
    ImmutableList.Builder<UUID> uuids = ImmutableList.builder();
    for (JsonNode element : elements(column, "a set", value)) {
      UUID uuid = uuid(column, element);
      if (!seen.add(uuid)) {
        throw wrong(column, "a set whose elements differ", element);
      }
      uuids.add(uuid);
    }
    return uuids.build();
  }

  /** A column that maps strings to strings, in the order of its keys. */
  ImmutableMap<String, String> map(String column) throws BadRowException {
    JsonNode value = value(column);
    if (!tagged("map", value)) {
      throw wrong(column, "a map", value);
    }
    TreeMap<String, String> map = new TreeMap<>();
    for (JsonNode pair : elements(column, "a map", value)) {
      if (!pair.isArray() || pair.size() != 2) {
        throw wrong(column, "a pair of a map", pair);
      }
      String key = string(column, pair.get(0));
      if (map.put(key, string(column, pair.get(1))) != null) {
        throw wrong(column, "a map whose keys differ", pair);
      }
    }
    return ImmutableMap.copyOf(map);
  }

  /** A column that maps strings to integers. */
  ImmutableMap<String, Long> counters(String column) throws BadRowException {
    JsonNode value = value(column);
    if (!tagged("map", value)) {
      throw wrong(column, "a map", value);
    }
    Map<String, Long> map = new LinkedHashMap<>();
    for (JsonNode pair : elements(column, "a map", value)) {
      if (!pair.isArray()
          || pair.size() != 2
          || !pair.get(1).isIntegralNumber()
          || !pair.get(1).canConvertToLong()) {
        throw wrong(column, "a pair of a map to integers of 64 bits", pair);
      }
      if (map.put(string(column, pair.get(0)), pair.get(1).longValue()) != null) {
        throw wrong(column, "a map whose keys differ", pair);
      }
    }
    return ImmutableMap.copyOf(map);
  }

  /** That a column has a value that its schema rules out. */
  BadRowException bad(String column, String expected, String value) {
    return new BadRowException(
        where(column) + "is not " + expected + ": " + Printable.cut(value, MAX_SHOWN));
  }

  /** Parses the UUID that is the key of a row in a table update. */
  static UUID key(String table, String key) throws BadRowException {
    UUID uuid = parse(key);
    if (uuid == null) {
      throw new BadRowException(
          "table " + table + ": the row's UUID is '" + Printable.cut(key, MAX_SHOWN) + "'");
    }
    return uuid;
  }

  private JsonNode value(String column) throws BadRowException {
    JsonNode value = columns.get(column);
    if (value == null) {
      throw new BadRowException(where(column) + "is missing");
    }
    return value;
  }

  /** The only element of a set, or a missing node if it is empty. */
  private JsonNode atMostOne(String column, String what) throws BadRowException {
    JsonNode value = value(column);
    if (!tagged("set", value)) {
      return value;
    }
    JsonNode elements = elements(column, "a set", value);
    if (elements.size() > 1) {
      throw wrong(column, "at most one " + what, value);
    }
    return elements.path(0);
  }

  private JsonNode elements(String column, String what, JsonNode value) throws BadRowException {
    if (value.size() != 2 || !value.get(1).isArray()) {
      throw wrong(column, what, value);
    }
    return value.get(1);
  }

  private String string(String column, JsonNode value) throws BadRowException {
    if (!value.isTextual()) {
      throw wrong(column, "a string", value);
    }
    return Printable.text(value.textValue());
  }

  private UUID uuid(String column, JsonNode value) throws BadRowException {
    UUID uuid =
        tagged("uuid", value) && value.size() == 2 && value.get(1).isTextual()
            ? parse(value.get(1).textValue())
            : null;
    if (uuid == null) {
      throw wrong(column, "a uuid", value);
    }
    return uuid;
  }

  private static @Nullable UUID parse(String text) {
    try {
      // UUID.fromString takes other forms too, which no database sends.
      UUID uuid = text.length() == 36 ? UUID.fromString(text) : null;
      return uuid != null && uuid.toString().equals(text) ? uuid : null;
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  private static boolean tagged(String tag, JsonNode value) {
    return value.isArray() && value.path(0).isTextual() && value.get(0).textValue().equals(tag);
  }

  private BadRowException wrong(String column, String expected, JsonNode value) {
    return new BadRowException(
        where(column) + "is not " + expected + ": " + Printable.cut(value.toString(), MAX_SHOWN));
  }

  private String where(String column) {
    return "table " + table + ", row " + uuid + ": column " + column + " ";
  }
}
