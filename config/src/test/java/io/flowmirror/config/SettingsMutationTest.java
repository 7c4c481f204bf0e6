// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.config;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Files that were right once, spoilt at random, with a fixed seed: each is either settings or a
 * list of problems that name the file, and nothing else is ever thrown.
 */
@Timeout(60)
class SettingsMutationTest {
  private static final long SEED = 3;
  private static final int MUTANTS = 1_000;

  private static final String EVERY_KEY =
      """
      enable-mirror: false
      mirror-iface: eth1.100
      hold: 1h30m
      audit: 45s
      kube-ovn-mirror: take-over
      insecure: true
      nodes:
        - &n {name: n1, ovsdb: "unix:/run/../a", openflow: 'unix:/b'}
        - name: worker-2.example
          ovsdb: tcp:[fd00::2]:6640
          openflow: tcp:Node-2.example.:6653
          mirror-iface: mirror2
        - {name: n3, ovsdb: "tcp:127.0.0.1", openflow: tcp:[::ffff:10.0.0.3]}
      mirrors:
        - {pod: default/web, direction: &way from-pod}
        - pod: kube-system/dns-0
          direction: *way
      """;

  /** What means something to YAML or to us, and what does not. */
  private static final ImmutableList<String> PIECES =
      ImmutableList.copyOf(
          Splitter.on('¦')
              .split(
                  """
                  \n¦\t¦ ¦  ¦\r¦\0¦\7¦\205¦é¦😀¦'¦"¦\\¦\\ud800¦\\x0¦{¦}¦[¦]¦,¦:¦: ¦\
                  - ¦? ¦#¦ #¦&a ¦*a¦*n¦<<: *n¦!¦!!¦!x ¦!!binary ¦!!set ¦!<¦|¦>-\n¦%¦---\n¦...\n¦\
                  %YAML 9.9\n¦%TAG ! a\n¦~¦null¦true¦-1¦0x7f¦99999999999999999999¦nodes¦pod: ¦\
                  mirrors: ¦insecure¦unix:¦unix:/¦tcp:¦ssl:¦tcp:[¦::¦..¦%eth0¦65536¦{a: ¦\
                  [[[[[[[[[[[[[[[[[[[[[[
                  """));

  private final Random random = new Random(SEED);

  @Test
  void settingsOrProblems(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("f.yaml");
    ImmutableList<String> originals =
        ImmutableList.of(Files.readString(Path.of("flowmirror.yaml")), EVERY_KEY);
    Map<Boolean, Integer> outcomes = new HashMap<>();
    int notEvenYaml = 0;
    for (int i = 0; i < MUTANTS; i++) {
      String mutant = originals.get(i % originals.size());
      for (int spoilt = random.nextInt(3); spoilt >= 0; spoilt--) {
        mutant = mutate(mutant);
      }
      byte[] bytes = mutant.getBytes(UTF_8);
      if (random.nextInt(20) == 0) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
      }
      Files.write(file, bytes);
      ImmutableList<String> problems = problems(file, mutant);
      outcomes.merge(problems.isEmpty(), 1, Integer::sum);
      if (problems.stream().anyMatch(line -> line.contains("not YAML"))) {
        notEvenYaml++;
      }
    }
    // The mutants are near enough to what is right, and far enough from it, to try something.
    assertThat(outcomes.get(true)).isGreaterThan(MUTANTS / 20);
    assertThat(outcomes.get(false) - notEvenYaml).isGreaterThan(MUTANTS / 6);
  }

  private static ImmutableList<String> problems(Path file, String mutant) {
    try {
      Settings settings = SettingsReader.read(file, Overrides.none());
      assertThat(SettingsReader.read(file, Overrides.none())).isEqualTo(settings);
      return ImmutableList.of();
    } catch (ConfigException e) {
      assertThat(e.problems())
          .isNotEmpty()
          .allSatisfy(line -> assertThat(line).startsWith(file + ":").doesNotContain("\n"));
      return e.problems();
    } catch (RuntimeException | StackOverflowError e) {
      return fail("Neither settings nor problems of:\n" + mutant, e);
    }
  }

  /** Drops, doubles or replaces a part, puts in a piece, swaps two lines, or gives a new value. */
  private String mutate(String from) {
    int start = random.nextInt(from.length() + 1);
    int end = Math.min(from.length(), start + random.nextInt(random.nextBoolean() ? 4 : 40));
    String head = from.substring(0, start);
    String part = from.substring(start, end);
    String tail = from.substring(end);
    return switch (random.nextInt(8)) {
      case 0 -> head + tail;
      case 1 -> head + part + part + tail;
      case 2 -> head + piece() + tail;
      case 3 -> head + piece() + part + tail;
      case 4 -> withLinesSwapped(from);
      default -> withNewValue(from, start);
    };
  }

  private String piece() {
    return PIECES.get(random.nextInt(PIECES.size()));
  }

  private String withLinesSwapped(String from) {
    List<String> lines = new ArrayList<>(from.lines().toList());
    Collections.swap(lines, random.nextInt(lines.size()), random.nextInt(lines.size()));
    return String.join("\n", lines);
  }

  /** In quotes, often, so that whatever it is reaches the key's own check. */
  private String withNewValue(String from, int near) {
    int value = from.indexOf(": ", near) + 2;
    if (value < 2) {
      return from + piece();
    }
    int end = value;
    while (end < from.length() && "\n,}".indexOf(from.charAt(end)) < 0) {
      end++;
    }
    String text = from.substring(value, end).replace("\"", "").replace("'", "");
    int cut = random.nextInt(text.length() + 1);
    String changed = text.substring(0, cut) + piece() + text.substring(cut);
    String quote = random.nextInt(4) == 0 ? "" : random.nextBoolean() ? "\"" : "'";
    return from.substring(0, value) + quote + changed + quote + from.substring(end);
  }
}
