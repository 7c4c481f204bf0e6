// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.ovsdb;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSortedMap;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A row as the database sends it, and its columns by type (RFC 7047, section 5.1).
 *
 * @param table the row's table
 * @param uuid the row's {@code _uuid}
 * @param columns an object with the value of each column
 */
record Row(String table, UUID uuid, JsonNode columns) {

  String string(String column) throws BadRowException {
    return string(column, value(column));
  }

  boolean bool(String column) throws BadRowException {
    JsonNode value = value(column);
    if (!value.isBoolean()) {
      throw wrong(column, "a boolean", value);
    }
    return value.booleanValue();
  }

  /** A column of at most one string. */
  Optional<String> optionalString(String column) throws BadRowException {
    JsonNode value = atMostOne(column, "string");
    return value.isMissingNode() ? Optional.empty() : Optional.of(string(column, value));
  }

  /** A column of at most one integer, within Java's {@code int}. */
  OptionalInt optionalInt(String column) throws BadRowException {
    JsonNode value = atMostOne(column, "integer");
    if (value.isMissingNode()) {
      return OptionalInt.empty();
    }
    if (!value.isIntegralNumber() || !value.canConvertToInt()) {
      throw wrong(column, "an integer of 32 bits", value);
    }
    return OptionalInt.of(value.intValue());
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
    ImmutableList.Builder<UUID> uuids = ImmutableList.builder();
    for (JsonNode element : elements(column, "a set", value)) {
      uuids.add(uuid(column, element));
    }
    return uuids.build();
  }

  /** A column that maps strings to strings, in the order of its keys. */
  ImmutableMap<String, String> map(String column) throws BadRowException {
    JsonNode value = value(column);
    if (!tagged("map", value)) {
      throw wrong(column, "a map", value);
    }
    ImmutableSortedMap.Builder<String, String> map = ImmutableSortedMap.naturalOrder();
    for (JsonNode pair : elements(column, "a map", value)) {
      if (!pair.isArray() || pair.size() != 2) {
        throw wrong(column, "a pair of a map", pair);
      }
      map.put(string(column, pair.get(0)), string(column, pair.get(1)));
    }
    try {
      return ImmutableMap.copyOf(map.buildOrThrow());
    } catch (IllegalArgumentException e) {
      throw wrong(column, "a map whose keys differ", value);
    }
  }

  /** Parses the UUID that is the key of a row in a table update. */
  static UUID key(String table, String key) throws BadRowException {
    UUID uuid = parse(key);
    if (uuid == null) {
      throw new BadRowException("table " + table + ": the row's UUID is '" + key + "'");
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
    return value.textValue();
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
      // UUID.fromString takes shorter forms too, which no database sends.
      return text.length() == 36 ? UUID.fromString(text) : null;
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  private static boolean tagged(String tag, JsonNode value) {
    return value.isArray() && value.path(0).isTextual() && value.get(0).textValue().equals(tag);
  }

  private BadRowException wrong(String column, String expected, JsonNode value) {
    String text = value.toString();
    String shown = text.length() <= 100 ? text : text.substring(0, 100) + "…";
    return new BadRowException(where(column) + "is not " + expected + ": " + shown);
  }

  private String where(String column) {
    return "table " + table + ", row " + uuid + ": column " + column + " ";
  }
}
