// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.config;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;
import org.yaml.snakeyaml.nodes.Tag;

/**
 * A mapping of the file whose keys are known beforehand. Whatever is wrong goes to the {@link
 * Problems}, and the value counts as absent.
 */
final class YamlMapping {
  /**
   * One key whose value is text.
   *
   * @param expected what the value has to be, for a value that is missing or no text at all
   * @param parse from the text to its meaning, or {@link BadValueException}
   */
  record Field<T>(String key, String expected, Function<String, T> parse) {}

  /**
   * YAML's own idea of a scalar's type; the text counts as it is written, so {@code no} stays no.
   */
  private static final ImmutableSet<Tag> TEXT =
      ImmutableSet.of(Tag.STR, Tag.BOOL, Tag.INT, Tag.FLOAT, Tag.TIMESTAMP, Tag.MERGE);

  /** Longer keys are cut in messages. */
  private static final int MAX_KEY = 64;

  private final String path;
  private final int line;
  private final ImmutableSet<String> keys;
  private final Map<String, Node> values;
  private final Problems problems;

  private YamlMapping(
      String path,
      int line,
      ImmutableSet<String> keys,
      Map<String, Node> values,
      Problems problems) {
    this.path = path;
    this.line = line;
    this.keys = keys;
    this.values = values;
    this.problems = problems;
  }

  /** The mapping that the document's root is, or empty if it is none. */
  static Optional<YamlMapping> root(Node node, ImmutableSet<String> keys, Problems problems) {
    return of(node, "", keys, ImmutableSet.of(), problems);
  }

  /**
   * The mapping that a node is, or empty if it is none.
   *
   * @param path the way to the node, empty for the root
   * @param keys the keys that it may have
   * @param rootKeys the keys that the root may have, for those who write them too deep
   */
  private static Optional<YamlMapping> of(
      Node node,
      String path,
      ImmutableSet<String> keys,
      ImmutableSet<String> rootKeys,
      Problems problems) {
    if (!(node instanceof MappingNode mapping) || !mapping.getTag().equals(Tag.MAP)) {
      String problem = "found " + describe(node) + "; expected a mapping with " + orList(keys);
      if (path.isEmpty()) {
        problems.inFile(line(node), problem);
      } else {
        problems.inFile(line(node), path, problem);
      }
      return Optional.empty();
    }
    Map<String, Node> values = new LinkedHashMap<>();
    Map<String, Integer> lines = new LinkedHashMap<>();
    for (NodeTuple tuple : mapping.getValue()) {
      Node keyNode = tuple.getKeyNode();
      int line = line(keyNode);
      if (!(keyNode instanceof ScalarNode scalar)) {
        problems.inFile(
            line,
            join(path, "?"),
            "found " + describe(keyNode) + " as a key; expected " + orList(keys));
        continue;
      }
      String key = scalar.getValue();
      Integer first = lines.putIfAbsent(key, line);
      if (first != null) {
        problems.inFile(
            line,
            join(path, shown(key)),
            "set already in line " + first + "; expected each key once");
      } else if (keys.contains(key)) {
        values.put(key, tuple.getValueNode());
      } else {
        problems.inFile(line, join(path, shown(key)), unknown(key, keys, rootKeys));
      }
    }
    return Optional.of(new YamlMapping(path, line(node), keys, values, problems));
  }

  private static String shown(String key) {
    return Syntax.escape(key.length() > MAX_KEY ? key.substring(0, MAX_KEY) + "..." : key);
  }

  private static String unknown(
      String key, ImmutableSet<String> keys, ImmutableSet<String> rootKeys) {
    return "unknown key"
        + Suggestion.closest(key, keys)
            .or(() -> Suggestion.closest(key, rootKeys).map(close -> close + " at the top level"))
            .map(meant -> ", did you mean " + meant + "?")
            .orElse("")
        + "; expected "
        + orList(keys);
  }

  /** The way to a key of this mapping, {@code nodes[0].ovsdb}. */
  String path(String key) {
    return join(path, key);
  }

  /** The line of a key's value, or of the mapping if the key is absent. */
  int line(String key) {
    Node node = values.get(key);
    return node == null ? line : line(node);
  }

  /** Whether the field's key is there, whatever its value is. */
  boolean has(Field<?> field) {
    return has(field.key());
  }

  /** Whether a key is there, whatever its value is. */
  boolean has(String key) {
    return values.containsKey(key);
  }

  /** The meaning of a field's text; empty if it is absent or wrong. */
  <T> Optional<T> optional(Field<T> field) {
    Node node = values.get(field.key());
    if (node == null) {
      return Optional.empty();
    }
    if (!(node instanceof ScalarNode scalar) || !TEXT.contains(scalar.getTag())) {
      problem(field.key(), "found " + describe(node) + "; expected " + field.expected());
      return Optional.empty();
    }
    try {
      return Optional.of(field.parse().apply(scalar.getValue()));
    } catch (BadValueException e) {
      problem(field.key(), e.problem());
      return Optional.empty();
    }
  }

  /** The same, and it is a problem if the field is absent. */
  <T> Optional<T> required(Field<T> field) {
    if (!has(field)) {
      problem(field.key(), "missing; expected " + field.expected());
    }
    return optional(field);
  }

  /**
   * The mappings that are the elements of one of the root's lists; those that are none are left
   * out. Empty if the key is absent.
   */
  ImmutableList<YamlMapping> list(String key, String expected, ImmutableSet<String> elementKeys) {
    Node node = values.get(key);
    if (node == null) {
      return ImmutableList.of();
    }
    if (!(node instanceof SequenceNode sequence) || !sequence.getTag().equals(Tag.SEQ)) {
      problem(key, "found " + describe(node) + "; expected " + expected);
      return ImmutableList.of();
    }
    ImmutableList.Builder<YamlMapping> elements = ImmutableList.builder();
    int index = 0;
    for (Node element : sequence.getValue()) {
      of(element, path(key) + "[" + index++ + "]", elementKeys, keys, problems)
          .ifPresent(elements::add);
    }
    return elements.build();
  }

  /** The mapping that is the value of one of the root's keys; empty if it is absent or none. */
  Optional<YamlMapping> mapping(String key, ImmutableSet<String> itsKeys) {
    Node node = values.get(key);
    return node == null ? Optional.empty() : of(node, path(key), itsKeys, keys, problems);
  }

  /** The texts that are a key's list; empty if it is absent, those that are wrong are left out. */
  <T> Optional<ImmutableList<T>> texts(Field<T> field) {
    Node node = values.get(field.key());
    if (node == null) {
      return Optional.empty();
    }
    if (!(node instanceof SequenceNode sequence) || !sequence.getTag().equals(Tag.SEQ)) {
      problem(field.key(), "found " + describe(node) + "; expected a list of " + field.expected());
      return Optional.empty();
    }
    ImmutableList.Builder<T> texts = ImmutableList.builder();
    int index = 0;
    for (Node element : sequence.getValue()) {
      String place = field.key() + "[" + index++ + "]";
      if (!(element instanceof ScalarNode scalar) || !TEXT.contains(scalar.getTag())) {
        problems.inFile(
            line(element),
            path(place),
            "found " + describe(element) + "; expected " + field.expected());
        continue;
      }
      try {
        texts.add(field.parse().apply(scalar.getValue()));
      } catch (BadValueException e) {
        problems.inFile(line(element), path(place), e.problem());
      }
    }
    return Optional.of(texts.build());
  }

  /** Whether the key is absent, or its value is a list without elements. */
  boolean isMissingOrEmptyList(String key) {
    Node node = values.get(key);
    return node == null || (node instanceof SequenceNode list && list.getValue().isEmpty());
  }

  /** Adds a problem with the value of one of the keys. */
  void problem(String key, String problem) {
    problems.inFile(line(key), path(key), problem);
  }

  private static int line(Node node) {
    return node.getStartMark().getLine() + 1;
  }

  private static String join(String path, String key) {
    return path.isEmpty() ? key : path + "." + key;
  }

  private static String describe(Node node) {
    if (node.getTag().equals(Tag.NULL)) {
      return "nothing";
    }
    if (node.getTag().equals(Tag.MAP)) {
      return "a mapping";
    }
    if (node.getTag().equals(Tag.SEQ)) {
      return "a list";
    }
    if (node instanceof ScalarNode scalar && TEXT.contains(scalar.getTag())) {
      return Syntax.quote(scalar.getValue());
    }
    return "a value with the tag " + Syntax.quote(node.getTag().getValue());
  }

  private static String orList(ImmutableSet<String> keys) {
    ImmutableList<String> all = keys.asList();
    int last = all.size() - 1;
    return String.join(", ", all.subList(0, last)) + " or " + all.get(last);
  }
}
