// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.ovsdb;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;

/** Spoils JSON, as bytes or as a tree. */
final class JsonMutation {
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  /** What readers of JSON, of OVSDB or of this database take for something else. */
  private static final List<JsonNode> ODD =
      List.of(
          NODES.nullNode(),
          NODES.booleanNode(true),
          NODES.numberNode(0),
          NODES.numberNode(-1),
          NODES.numberNode(70000),
          NODES.numberNode(1e9),
          NODES.numberNode(0.5),
          NODES.numberNode(Long.MIN_VALUE),
          NODES.numberNode(BigInteger.ONE.shiftLeft(63)),
          NODES.numberNode(BigInteger.ONE.shiftLeft(64).add(BigInteger.ONE)),
          NODES.textNode(""),
          NODES.textNode("br-int"),
          NODES.textNode("a\n\u001b[31mb\u202ec"),
          NODES.textNode("x".repeat(300)),
          NODES.textNode("00000000-0000-0000-0000-00000000000g"),
          NODES.textNode("set"),
          NODES.arrayNode(),
          NODES.arrayNode().add("set"),
          NODES.arrayNode().add("map").add(NODES.arrayNode().add(NODES.arrayNode())),
          NODES.arrayNode().add("set").add(NODES.arrayNode()),
          NODES.arrayNode().add("uuid").add("00000000-0000-0000-0000-000000000000"),
          NODES.arrayNode().add("named-uuid").add("x"),
          NODES.objectNode(),
          NODES.objectNode().put("new", 7),
          NODES.objectNode().putNull("old"));

  private static final byte[] TELLING =
      "{}[]\",:\\u0019-+.eEtfn/ \n\0\u007f\u0080\u00bf\u00c0\u00ed\u00f4\u00ff"
          .getBytes(ISO_8859_1);

  private JsonMutation() {}

  /** The bytes of one or two messages of a conversation, a few of them not as they were. */
  static byte[] bytes(List<JsonNode> conversation, Random random) {
    StringBuilder text = new StringBuilder();
    for (int i = random.nextInt(2); i < 2; i++) {
      text.append(conversation.get(random.nextInt(conversation.size())));
    }
    byte[] bytes = text.toString().getBytes(UTF_8);
    for (int i = random.nextInt(4); i < 4; i++) {
      bytes = mutated(bytes, random);
    }
    return bytes;
  }

  private static byte[] mutated(byte[] bytes, Random random) {
    if (bytes.length == 0) {
      return new byte[] {'{'};
    }
    int from = random.nextInt(bytes.length);
    int to = Math.min(bytes.length, from + 1 + random.nextInt(random.nextInt(4) == 0 ? 2000 : 8));
    byte[] part = Arrays.copyOfRange(bytes, from, to);
    byte[] empty = {};
    return switch (random.nextInt(8)) {
      case 0 -> replaced(bytes, from, from + 1, (byte) (bytes[from] ^ 1 << random.nextInt(8)));
      case 1 -> replaced(bytes, from, from + 1, TELLING[random.nextInt(TELLING.length)]);
      case 2 -> replaced(bytes, from, from, TELLING[random.nextInt(TELLING.length)]);
      case 3 -> replaced(bytes, from, to, empty);
      case 4 -> replaced(bytes, from, from, part);
      case 5 -> {
        int target = random.nextInt(bytes.length);
        yield replaced(bytes, target, target, part);
      }
      case 6 -> Arrays.copyOf(bytes, from);
      default -> replaced(bytes, from, to, Integer.toString(random.nextInt()).getBytes(UTF_8));
    };
  }

  private static byte[] replaced(byte[] bytes, int from, int to, byte... by) {
    byte[] result = Arrays.copyOf(bytes, bytes.length - (to - from) + by.length);
    System.arraycopy(by, 0, result, from, by.length);
    System.arraycopy(bytes, to, result, from + by.length, bytes.length - to);
    return result;
  }

  /**
   * The tree with a few of its nodes not as they were.
   *
   * @param donor where other values are taken from
   */
  static JsonNode of(JsonNode tree, JsonNode donor, Random random) {
    JsonNode result = tree.deepCopy();
    for (int i = random.nextInt(3); i < 3; i++) {
      List<JsonNode> parents = new ArrayList<>();
      collect(result, parents);
      parents.removeIf(node -> node.isEmpty());
      if (parents.isEmpty()) {
        return odd(donor, random);
      }
      JsonNode parent = parents.get(random.nextInt(parents.size()));
      if (random.nextInt(3) == 0) {
        confuse(parents, random);
      } else if (parent instanceof ObjectNode object) {
        mutate(object, donor, random);
      } else {
        mutate((ArrayNode) parent, donor, random);
      }
    }
    return result;
  }

  private static void collect(JsonNode node, List<JsonNode> all) {
    all.add(node);
    node.forEach(child -> collect(child, all));
  }

  /** Lets a text be another one of the same length: a UUID another row's, a port another port. */
  private static void confuse(List<JsonNode> parents, Random random) {
    List<Map.Entry<JsonNode, Object>> places = new ArrayList<>();
    for (JsonNode parent : parents) {
      for (int i = 0; i < parent.size(); i++) {
        if (parent.path(i).isTextual()) {
          places.add(Map.entry(parent, i));
        }
      }
      for (Map.Entry<String, JsonNode> member : parent.properties()) {
        if (member.getValue().isTextual()) {
          places.add(Map.entry(parent, member.getKey()));
        }
      }
    }
    if (places.isEmpty()) {
      return;
    }
    Map.Entry<JsonNode, Object> place = places.get(random.nextInt(places.size()));
    int length = at(place).textValue().length();
    places.removeIf(other -> at(other).textValue().length() != length);
    JsonNode other = at(places.get(random.nextInt(places.size())));
    switch (place.getKey()) {
      case ObjectNode object -> object.set((String) place.getValue(), other);
      case ArrayNode array -> array.set((Integer) place.getValue(), other);
      default -> throw new AssertionError("what has children is an object or an array");
    }
  }

  private static JsonNode at(Map.Entry<JsonNode, Object> place) {
    return place.getValue() instanceof Integer index
        ? place.getKey().get(index)
        : place.getKey().get((String) place.getValue());
  }

  /** Something odd, or something right in the wrong place. */
  private static JsonNode odd(JsonNode donor, Random random) {
    if (random.nextBoolean()) {
      return ODD.get(random.nextInt(ODD.size())).deepCopy();
    }
    List<JsonNode> all = new ArrayList<>();
    collect(donor, all);
    return all.get(random.nextInt(all.size())).deepCopy();
  }

  private static void mutate(ObjectNode object, JsonNode donor, Random random) {
    List<String> keys = new ArrayList<>();
    object.fieldNames().forEachRemaining(keys::add);
    String key = keys.get(random.nextInt(keys.size()));
    String other = keys.get(random.nextInt(keys.size()));
    switch (random.nextInt(6)) {
      case 0 -> object.remove(key);
      case 1 -> object.set(other, object.get(key).deepCopy());
      case 2 -> object.set(key + "x", object.remove(key));
      case 3 -> object.set(key.toUpperCase(Locale.ROOT), object.get(key).deepCopy());
      case 4 -> object.set(key, NODES.arrayNode().add(object.get(key)));
      default -> object.set(key, odd(donor, random));
    }
  }

  private static void mutate(ArrayNode array, JsonNode donor, Random random) {
    int index = random.nextInt(array.size());
    switch (random.nextInt(6)) {
      case 0 -> array.remove(index);
      case 1 -> array.insert(index, array.get(index).deepCopy());
      case 2 -> {
        List<JsonNode> elements = new ArrayList<>();
        array.forEach(elements::add);
        Collections.shuffle(elements, random);
        array.removeAll();
        elements.forEach(array::add);
      }
      case 3 -> array.set(index, NODES.arrayNode().add(array.get(index)));
      case 4 -> array.insert(index, odd(donor, random));
      default -> array.set(index, odd(donor, random));
    }
  }
}
