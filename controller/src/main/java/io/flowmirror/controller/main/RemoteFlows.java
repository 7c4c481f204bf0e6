// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.flowmirror.topology.PodName;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** What {@code flowmirror flows} asks a running controller, and how that is written. */
final class RemoteFlows {
  private static final int BUFFER = 1 << 16;

  /** How soon it is noticed that nobody reads any more. */
  private static final int LINES_BETWEEN_LOOKS = 1000;

  /** A word out of some. */
  abstract static class Word implements ITypeConverter<String> {
    private final ImmutableList<String> words;

    Word(String... words) {
      this.words = ImmutableList.copyOf(words);
    }

    @Override
    public String convert(String text) {
      if (!words.contains(text)) {
        throw new TypeConversionException("expected " + String.join(", ", words));
      }
      return text;
    }
  }

  static final class View extends Word {
    View() {
      super("all", "installed", "desired", "drift");
    }
  }

  static final class Owner extends Word {
    Owner() {
      super("ours", "ovn");
    }
  }

  @Mixin private final OutputOptions output = new OutputOptions();

  @Option(
      names = "--view",
      paramLabel = "VIEW",
      converter = View.class,
      description = "installed, desired, drift or all (default: all). Of a running controller.")
  private @Nullable String view;

  @Option(
      names = "--owner",
      paramLabel = "OWNER",
      converter = Owner.class,
      description =
          "ours, or ovn: OVN's own, read from the switch (default: ours). Of a running controller.")
  private @Nullable String owner;

  @Option(
      names = "--table",
      paramLabel = "TABLE",
      description = "Only this table's, 0 to 254. Of a running controller.")
  private @Nullable Integer table;

  @Option(
      names = "--plain",
      description =
          "Entries alone, as ovs-ofctl --no-stats dump-flows prints them. Of a running controller.")
  private boolean plain;

  @Option(
      names = "--since",
      paramLabel = "TIME",
      converter = Words.Past.class,
      description =
          "How entries have changed since then, such as 2026-01-31T10:00:00Z or 10m. Of a running"
              + " controller.")
  private @Nullable Instant since;

  /** What is wrong with the options; nothing if they fit together. */
  Optional<String> wrong(boolean hasPod) {
    if (plain && (!output.isTable() || since != null)) {
      return Optional.of("--plain goes neither with --output nor with --since");
    }
    if (since != null && (hasPod || view != null || owner != null || table != null)) {
      return Optional.of("--since goes only with --node and --output");
    }
    return Optional.empty();
  }

  /** Whether something is asked for that only a running controller knows. */
  boolean isGiven() {
    return view != null
        || owner != null
        || table != null
        || plain
        || since != null
        || !output.isTable();
  }

  /**
   * Writes the entries.
   *
   * @param node only of this node; of all where there may be some, if null
   * @param says is told what could not be written
   * @return whether everything was
   */
  boolean print(
      Remote remote,
      @Nullable String node,
      @Nullable PodName pod,
      PrintWriter target,
      Consumer<String> says) {
    ImmutableList<String> nodes =
        node != null ? ImmutableList.of(node) : nodes(remote, Optional.ofNullable(pod));
    PrintWriter out = new PrintWriter(new BufferedWriter(target, BUFFER));
    ImmutableMap<String, String> query = query(pod);
    int left = 0;
    try {
      if (output.isTable()) {
        for (String each : nodes) {
          try (InputStream in = remote.text(path(each), query)) {
            left += text(in, out);
          }
        }
        if (left > 0) {
          out.flush();
          says.accept(
              left
                  + " entries are left out: they match or do what no entry of ours does, and are"
                  + " not kept as text; ask ovs-ofctl");
        }
      } else {
        documents(remote, nodes, query, out);
      }
    } catch (IOException e) {
      out.flush();
      throw remote.broken(e);
    }
    out.flush();
    return left == 0;
  }

  private String path(String node) {
    return since == null
        ? Remote.path("nodes", node, "flows")
        : Remote.path("nodes", node, "flows", "diff");
  }

  private ImmutableMap<String, String> query(@Nullable PodName pod) {
    ImmutableMap.Builder<String, String> query = ImmutableMap.builder();
    if (since != null) {
      return ImmutableMap.of("since", since.toString());
    }
    if (pod != null) {
      query.put("pod", pod.toString());
    }
    if (view != null || plain) {
      query.put("view", view == null ? "installed" : view);
    }
    if (owner != null) {
      query.put("owner", owner);
    }
    if (table != null) {
      query.put("table", table.toString());
    }
    return query.buildOrThrow();
  }

  /** Where a pod is; all, if it is nowhere, or none is named. */
  private static ImmutableList<String> nodes(Remote remote, Optional<PodName> pod) {
    Set<String> names = new LinkedHashSet<>();
    pod.flatMap(name -> remote.find(Remote.path("pods", name.namespace(), name.name())))
        .ifPresent(
            found ->
                found
                    .path("interfaces")
                    .forEach(
                        each -> {
                          if (each.has("node")) {
                            names.add(each.path("node").asText());
                          }
                        }));
    if (names.isEmpty()) {
      for (JsonNode each : remote.list(Remote.path("nodes"), ImmutableMap.of()).path("items")) {
        names.add(each.path("name").asText());
      }
    }
    return ImmutableList.copyOf(names);
  }

  /** How many entries could not be written plainly. */
  private int text(InputStream in, PrintWriter out) throws IOException {
    int left = 0;
    int read = 0;
    BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      if (!plain) {
        out.println(Table.shown(line));
      } else if (!line.startsWith("#")) {
        // ovs-ofctl has a blank in front, and the controller all the rest.
        out.println(" " + line);
      } else if (line.startsWith("# cookie=")) {
        left++;
      }
      // It flushes: not after each line.
      if (++read % LINES_BETWEEN_LOOKS == 0 && out.checkError()) {
        return left;
      }
    }
    return left;
  }

  /** One node's document, or a list of them. */
  private void documents(
      Remote remote,
      ImmutableList<String> nodes,
      ImmutableMap<String, String> query,
      PrintWriter out)
      throws IOException {
    try (JsonGenerator generator = output.generator(out, true)) {
      if (nodes.size() != 1) {
        generator.writeStartObject();
        generator.writeArrayFieldStart("items");
      }
      for (String node : nodes) {
        try (InputStream in = remote.json(path(node), query)) {
          OutputOptions.copy(in, generator);
        }
      }
      if (nodes.size() != 1) {
        generator.writeEndArray();
        generator.writeEndObject();
      }
    }
    output.finish(out);
  }
}
