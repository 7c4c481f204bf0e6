// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.flowmirror.topology.Port;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Text and back, always the same entries; with {@code -Dfuzz.seconds=N} others, for so long. */
final class FlowTextFuzzTest {
  private static final int TIMES = 10_000;
  private static final String CHARACTERS = "0123456789abcdefx,.:=/()[]-> _";

  private static final ImmutableList<Field> FIELDS = ImmutableList.copyOf(Field.values());

  @Test
  void readsBackEveryEntry() {
    fuzz(
        random -> {
          FlowEntry entry = entry(random);
          assertThat(FlowParser.parse(FlowText.format(entry))).isEqualTo(entry);
          if (FlowText.hasNames(entry)) {
            assertThat(FlowParser.parse(FlowText.dump(entry))).isEqualTo(entry);
          }
        });
  }

  /** A line that is wrong is refused in words, or else means the same when it is written anew. */
  @Test
  void readsOrRefusesEveryLine() {
    fuzz(
        random -> {
          String line = spoil(random, FlowText.format(entry(random)));
          FlowEntry read;
          try {
            read = FlowParser.parse(line);
          } catch (IllegalArgumentException e) {
            assertThat(e).hasMessageContaining("\"").hasMessageEndingWith("in: " + line);
            return;
          }
          assertThat(FlowParser.parse(FlowText.format(read))).isEqualTo(read);
        });
  }

  private interface Property {
    void check(SplittableRandom random);
  }

  private static void fuzz(Property property) {
    long seconds = Long.getLong("fuzz.seconds", 0);
    long first = Long.getLong("fuzz.seed", seconds == 0 ? 0 : System.nanoTime());
    long end = System.nanoTime() + seconds * 1_000_000_000;
    for (long seed = first; seed - first < TIMES || System.nanoTime() < end; seed++) {
      try {
        property.check(new SplittableRandom(seed));
      } catch (RuntimeException | AssertionError e) {
        throw new AssertionError("with -Dfuzz.seed=" + seed, e);
      }
    }
  }

  private static FlowEntry entry(SplittableRandom random) {
    return new FlowEntry(
        new FlowKey(random.nextInt(256), random.nextInt(65536), match(random)),
        actions(random),
        random.nextLong() >>> random.nextInt(64),
        random.nextInt(3) == 0 ? 0 : random.nextInt(65536),
        random.nextBoolean());
  }

  private static Match match(SplittableRandom random) {
    Match match = Match.ANY;
    for (Field field : FIELDS) {
      switch (random.nextInt(4)) {
        case 0 -> match = match.with(field, value(random, field));
        case 1 -> match = match.with(field, value(random, field), value(random, field));
        default -> {}
      }
    }
    ImmutableList.Builder<Opaque> others = ImmutableList.builder();
    for (int i = random.nextInt(3); i > 0; i--) {
      others.add(opaque(random));
    }
    return new Match(match.fields(), others.build());
  }

  private static ImmutableList<Action> actions(SplittableRandom random) {
    ImmutableList.Builder<Action> actions = ImmutableList.builder();
    for (int i = random.nextInt(5); i > 0; i--) {
      Field field = FIELDS.get(random.nextInt(FIELDS.size()));
      int offset = random.nextInt(field.bytes() * 8);
      int bits = 1 + random.nextInt(field.bytes() * 8 - offset);
      actions.add(
          switch (random.nextInt(5)) {
            case 0 -> new Action.Output(1 + random.nextInt(Port.MAX));
            case 1 -> new Action.SetField(field, value(random, field));
            case 2 -> new Action.Load(field, offset, bits, random.nextLong() >>> 64 - bits);
            case 3 -> new Action.Resubmit(random.nextInt(256));
            default -> new Action.Other(opaque(random));
          });
    }
    return actions.build();
  }

  private static long value(SplittableRandom random, Field field) {
    return random.nextLong() >>> random.nextInt(64) & field.allOnes();
  }

  private static Opaque opaque(SplittableRandom random) {
    byte[] bytes = new byte[1 + random.nextInt(20)];
    random.nextBytes(bytes);
    return Opaque.of(bytes);
  }

  private static String spoil(SplittableRandom random, String text) {
    StringBuilder spoilt = new StringBuilder(text);
    for (int i = 1 + random.nextInt(3); i > 0 && spoilt.length() > 0; i--) {
      int at = random.nextInt(spoilt.length());
      char character = CHARACTERS.charAt(random.nextInt(CHARACTERS.length()));
      int end = Math.min(spoilt.length(), at + 1 + random.nextInt(12));
      switch (random.nextInt(4)) {
        case 0 -> spoilt.setCharAt(at, character);
        case 1 -> spoilt.insert(at, character);
        case 2 -> spoilt.delete(at, end);
        default -> spoilt.insert(at, spoilt.substring(at, end));
      }
    }
    return spoilt.toString();
  }
}
