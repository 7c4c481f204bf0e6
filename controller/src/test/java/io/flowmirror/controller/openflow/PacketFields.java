// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import io.flowmirror.flows.Action;
import io.flowmirror.flows.Field;
import io.flowmirror.flows.Match;
import io.flowmirror.flows.Opaque;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * The match fields of one packet on its way through the tables, by OXM class and number: those that
 * Flowmirror has names for, and any other. What was never written is 0.
 */
final class PacketFields {
  private static final int ETH_DST = code(0x8000, 3);

  private final Map<Integer, BigInteger> values = new HashMap<>();

  PacketFields(Packet packet) {
    values.put(code(Field.IN_PORT), BigInteger.valueOf(packet.inPort()));
    values.put(ETH_DST, new BigInteger(packet.destination().replace(":", ""), 16));
    packet.fields().forEach(this::set);
  }

  int inPort() {
    return get(code(Field.IN_PORT)).intValue();
  }

  /** Section 5.3: every field of a match, under its mask, has the packet's value. */
  boolean matches(Match match) {
    return match.fields().entrySet().stream()
            .allMatch(
                field ->
                    get(code(field.getKey()))
                        .and(unsigned(field.getValue().mask()))
                        .equals(unsigned(field.getValue().value())))
        && match.others().stream().map(Oxm::of).allMatch(this::matches);
  }

  private boolean matches(Oxm oxm) {
    return get(oxm.code()).and(oxm.mask()).equals(oxm.value());
  }

  /** OFPAT_SET_FIELD of a whole field (section 5.12). */
  void set(Field field, long value) {
    values.put(code(field), unsigned(value));
  }

  /** NXAST_REG_LOAD: some bits of a field, and no others (ovs-actions(7), "load"). */
  void load(Action.Load load) {
    BigInteger mask = BigInteger.ONE.shiftLeft(load.bits()).subtract(BigInteger.ONE);
    BigInteger value = unsigned(load.value()).and(mask);
    int code = code(load.field());
    values.put(
        code, get(code).andNot(mask.shiftLeft(load.offset())).or(value.shiftLeft(load.offset())));
  }

  /**
   * An action that Flowmirror keeps as bytes: OFPAT_SET_FIELD of another field.
   *
   * @throws UnsupportedOperationException if it is any other
   */
  void act(Action.Other other) {
    byte[] bytes = other.bytes().bytes();
    ByteBuffer in = ByteBuffer.wrap(bytes);
    if (bytes.length < 8 || in.getShort(0) != Ofp.OFPAT_SET_FIELD || (bytes[6] & 1) != 0) {
      throw new UnsupportedOperationException("an action that is not modelled: " + other);
    }
    int end = 8 + (bytes[7] & 0xff);
    Oxm oxm = Oxm.of(Opaque.of(Arrays.copyOfRange(bytes, 4, end)));
    values.put(oxm.code(), oxm.value());
  }

  private BigInteger get(int code) {
    return values.getOrDefault(code, BigInteger.ZERO);
  }

  private static BigInteger unsigned(long value) {
    return new BigInteger(Long.toUnsignedString(value));
  }

  private static int code(Field field) {
    return code(field.oxmClass(), field.oxmField());
  }

  private static int code(int oxmClass, int oxmField) {
    return oxmClass << 7 | oxmField;
  }

  /** An OXM TLV (section 7.2.3.2). */
  private record Oxm(int code, BigInteger value, BigInteger mask) {
    static Oxm of(Opaque bytes) {
      String hex = bytes.toString();
      int header = Integer.parseUnsignedInt(hex.substring(0, 8), 16);
      if (header >>> 16 == Ofp.OFPXMC_EXPERIMENTER) {
        throw new UnsupportedOperationException("a field that is not modelled: " + hex);
      }
      boolean masked = (header & 0x100) != 0;
      int digits = (header & 0xff) * (masked ? 1 : 2);
      String payload = hex.substring(8);
      BigInteger value = new BigInteger(payload.substring(0, digits), 16);
      BigInteger mask =
          masked
              ? new BigInteger(payload.substring(digits), 16)
              : BigInteger.ONE.shiftLeft(4 * digits).subtract(BigInteger.ONE);
      return new Oxm(header >>> 9, value.and(mask), mask);
    }
  }
}
