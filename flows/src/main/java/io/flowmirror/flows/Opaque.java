// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import java.util.Arrays;
import java.util.HexFormat;

/**
 * Bytes that are kept as they came, because nobody here needs to understand them: an action of
 * OVN's, a field that we have no name for. Compared byte by byte, and hexadecimal only as text.
 */
public final class Opaque {
  private static final HexFormat HEX = HexFormat.of();

  private final byte[] bytes;

  private Opaque(byte[] bytes) {
    this.bytes = bytes;
  }

  /** These bytes. The array is taken over, not copied: nobody may write to it afterwards. */
  public static Opaque of(byte... bytes) {
    return new Opaque(bytes);
  }

  /**
   * The bytes that hexadecimal digits stand for.
   *
   * @throws IllegalArgumentException if there is an odd number of digits or anything else
   */
  public static Opaque ofHex(String digits) {
    return new Opaque(HEX.parseHex(digits));
  }

  /** How many bytes there are. */
  public int length() {
    return bytes.length;
  }

  /** A copy of the bytes. */
  public byte[] bytes() {
    return bytes.clone();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Opaque that && Arrays.equals(bytes, that.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  /** Two hexadecimal digits for each byte. */
  @Override
  public String toString() {
    return HEX.formatHex(bytes);
  }
}
