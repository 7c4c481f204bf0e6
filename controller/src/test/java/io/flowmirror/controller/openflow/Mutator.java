// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import com.google.common.primitives.Bytes;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** Spoils bytes, the same way for the same seed; with an eye for lengths. */
final class Mutator {
  /** Lengths at the edges of what fits somewhere. */
  private static final int[] EDGES = {0, 1, 3, 4, 5, 7, 8, 9, 15, 16, 0x7fff, 0x8000, 0xffff};

  private final SplittableRandom random;

  Mutator(long seed) {
    random = new SplittableRandom(seed);
  }

  int below(int bound) {
    return random.nextInt(bound);
  }

  <T> T oneOf(List<T> choices) {
    return choices.get(below(choices.size()));
  }

  /** A few of them, one after the other. */
  byte[] someOf(List<byte[]> choices) {
    byte[] all = {};
    for (int i = 1 + below(4); i > 0; i--) {
      all = Bytes.concat(all, oneOf(choices));
    }
    return all;
  }

  /**
   * The bytes, spoilt in one to four ways.
   *
   * @param others where parts may come from that do not belong there
   */
  byte[] spoil(byte[] original, List<byte[]> others) {
    byte[] bytes = original.clone();
    for (int i = 1 + below(4); i > 0; i--) {
      if (bytes.length < 2) {
        return bytes;
      }
      bytes = spoilOnce(bytes, others);
    }
    return bytes;
  }

  private byte[] spoilOnce(byte[] bytes, List<byte[]> others) {
    int at = below(bytes.length);
    int size = 1 + below(Math.min(64, bytes.length - at));
    return switch (below(13)) {
      case 0 -> {
        bytes[at] ^= (byte) (1 << below(8));
        yield bytes;
      }
      case 1 -> {
        bytes[at] = (byte) below(256);
        yield bytes;
      }
      case 2 -> {
        bytes[at] += (byte) (below(2) * 2 - 1);
        yield bytes;
      }
      // Nearly all lengths are at even places.
      case 3, 4, 5 -> uint16(bytes, at & ~1, EDGES[below(EDGES.length)]);
      case 6, 7, 8 -> {
        int old = ByteBuffer.wrap(bytes).getShort(Math.min(at & ~1, bytes.length - 2));
        yield uint16(bytes, at & ~1, old + (below(2) * 2 - 1) * (1 << below(5)));
      }
      case 9 -> Arrays.copyOf(bytes, at);
      // A part twice, and a part less.
      case 10 -> Bytes.concat(Arrays.copyOf(bytes, at + size), tail(bytes, at));
      case 11 -> {
        byte[] other = oneOf(others);
        yield Bytes.concat(Arrays.copyOf(bytes, at), tail(other, below(other.length)));
      }
      default -> Bytes.concat(Arrays.copyOf(bytes, at), tail(bytes, at + size));
    };
  }

  private static byte[] tail(byte[] bytes, int from) {
    return Arrays.copyOfRange(bytes, from, bytes.length);
  }

  private static byte[] uint16(byte[] bytes, int at, int value) {
    ByteBuffer.wrap(bytes).putShort(Math.min(at, bytes.length - 2), (short) value);
    return bytes;
  }
}
