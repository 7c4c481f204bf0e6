// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.common.collect.ImmutableSet;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** JSON as it goes out, and as it comes in: strictly, and within bounds. */
final class Json {
  private static final int MAX_DEPTH = 16;
  private static final int MAX_STRING = 8_192;
  private static final int MAX_NUMBER = 32;
  private static final int MAX_SHOWN = 64;

  static final ObjectMapper MAPPER =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(MAX_DEPTH)
                          .maxStringLength(MAX_STRING)
                          .maxNumberLength(MAX_NUMBER)
                          .build())
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private Json() {}

  static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }

  static ArrayNode array() {
    return JsonNodeFactory.instance.arrayNode();
  }

  static ArrayNode texts(Iterable<?> values) {
    ArrayNode array = array();
    values.forEach(value -> array.add(value.toString()));
    return array;
  }

  static byte[] bytes(JsonNode node) {
    try {
      return MAPPER.writeValueAsBytes(node);
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * The object that a body is.
   *
   * @param allowed the keys that it may have
   * @throws Problem if it is none, or has another key
   */
  static ObjectNode parse(byte[] body, ImmutableSet<String> allowed) {
    JsonNode node;
    try {
      node = MAPPER.readTree(body);
    } catch (JsonProcessingException e) {
      throw Problem.badRequest("the body is no JSON: " + oneLine(e.getOriginalMessage()));
    } catch (IOException e) {
      throw Problem.badRequest("the body is no JSON in UTF-8");
    }
    if (!(node instanceof ObjectNode object)) {
      throw Problem.badRequest("the body is not a JSON object");
    }
    for (String key : ImmutableSet.copyOf(object.fieldNames())) {
      if (!allowed.contains(key)) {
        throw Problem.badRequest(
            "unknown field " + shown(key) + "; expected " + String.join(", ", allowed));
      }
    }
    return object;
  }

  /**
   * A text of an object's.
   *
   * @throws Problem if it is there and no text, or {@code parse} refuses it
   */
  static <T> Optional<T> text(ObjectNode object, String key, Function<String, T> parse) {
    @Nullable JsonNode value = object.get(key);
    if (value == null || value.isNull()) {
      return Optional.empty();
    }
    if (!value.isTextual()) {
      throw Problem.badRequest(key + ": found " + shown(value.toString()) + "; expected a text");
    }
    try {
      return Optional.of(parse.apply(value.textValue()));
    } catch (IllegalArgumentException e) {
      throw Problem.badRequest(key + ": " + e.getMessage());
    }
  }

  /** What a client wrote, for an answer: cut, and without control characters. */
  static String shown(String text) {
    String cut = text.length() > MAX_SHOWN ? text.substring(0, MAX_SHOWN) + "..." : text;
    return '"' + oneLine(cut) + '"';
  }

  private static String oneLine(String text) {
    return text.replaceAll("\\p{Cntrl}", "?");
  }
}
