// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import com.google.common.collect.ImmutableMap;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The match fields that our entries use and that OVN's entries of a pod's port do, with their wire
 * headers (OpenFlow 1.3.5, section 7.2.3.7; Open vSwitch, ovs-fields(7)). Declared in the order in
 * which ovs-ofctl prints them.
 */
public enum Field {
  /** Conntrack mark; bit 1 is OVN's "natted" from 22.06 on. */
  CT_MARK("ct_mark", "NXM_NX_CT_MARK", 0x0001, 107, 4),
  /** OVN's registers: what its logical flows keep, which no entry of ours has to do with. */
  REG0("reg0", "NXM_NX_REG0", 0x0001, 0, 4),
  REG1("reg1", "NXM_NX_REG1", 0x0001, 1, 4),
  REG2("reg2", "NXM_NX_REG2", 0x0001, 2, 4),
  REG3("reg3", "NXM_NX_REG3", 0x0001, 3, 4),
  REG4("reg4", "NXM_NX_REG4", 0x0001, 4, 4),
  REG5("reg5", "NXM_NX_REG5", 0x0001, 5, 4),
  REG6("reg6", "NXM_NX_REG6", 0x0001, 6, 4),
  REG7("reg7", "NXM_NX_REG7", 0x0001, 7, 4),
  REG8("reg8", "NXM_NX_REG8", 0x0001, 8, 4),
  REG9("reg9", "NXM_NX_REG9", 0x0001, 9, 4),
  /** OVN's flags. */
  REG10("reg10", "NXM_NX_REG10", 0x0001, 10, 4),
  /** Conntrack zone of a logical router's or switch's DNAT. */
  REG11("reg11", "NXM_NX_REG11", 0x0001, 11, 4),
  /** Conntrack zone of its SNAT. */
  REG12("reg12", "NXM_NX_REG12", 0x0001, 12, 4),
  /** Conntrack zone of a logical port. */
  REG13("reg13", "NXM_NX_REG13", 0x0001, 13, 4),
  /** Logical input port key; bits 16 to 30 are used by nobody, bit 24 is our recursion guard. */
  REG14("reg14", "NXM_NX_REG14", 0x0001, 14, 4),
  /** Logical output port key. */
  REG15("reg15", "NXM_NX_REG15", 0x0001, 15, 4),
  /** Tunnel key that a packet came in with. */
  TUN_ID("tun_id", "OXM_OF_TUNNEL_ID", 0x8000, 38, 8),
  /** Logical datapath key. */
  METADATA("metadata", "OXM_OF_METADATA", 0x8000, 2, 8),
  /** Ingress port, 32 bits in OpenFlow 1.1 and later. */
  IN_PORT("in_port", "OXM_OF_IN_PORT", 0x8000, 0, 4);

  private static final int NICIRA = 0x0001;
  private static final int OPENFLOW = 0x8000;

  /** By their number, which has seven bits: one is looked up for each field that is read. */
  private static final @Nullable Field[] BY_NICIRAS_NUMBER = new Field[0x80];

  private static final @Nullable Field[] BY_OPENFLOWS_NUMBER = new Field[0x80];
  private static final ImmutableMap<String, Field> BY_NAME;

  static {
    ImmutableMap.Builder<String, Field> byName = ImmutableMap.builder();
    for (Field field : values()) {
      if (field.oxmClass == NICIRA) {
        BY_NICIRAS_NUMBER[field.oxmField] = field;
      } else {
        BY_OPENFLOWS_NUMBER[field.oxmField] = field;
      }
      byName.put(field.text, field);
      byName.put(field.nxmName, field);
    }
    BY_NAME = byName.buildOrThrow();
  }

  private final String text;
  private final String nxmName;
  private final int oxmClass;
  private final int oxmField;
  private final int bytes;

  Field(String text, String nxmName, int oxmClass, int oxmField, int bytes) {
    this.text = text;
    this.nxmName = nxmName;
    this.oxmClass = oxmClass;
    this.oxmField = oxmField;
    this.bytes = bytes;
  }

  /** The name that ovs-ofctl uses in a match. */
  public String text() {
    return text;
  }

  /** The name that ovs-ofctl uses in {@code load} and {@code move}. */
  public String nxmName() {
    return nxmName;
  }

  /** The OXM class: 0x8000 for OpenFlow's own, 0x0001 for Nicira's. */
  public int oxmClass() {
    return oxmClass;
  }

  /** The OXM field number within its class. */
  public int oxmField() {
    return oxmField;
  }

  /** The width of the value in bytes. */
  public int bytes() {
    return bytes;
  }

  /** A mask of all the field's bits. */
  public long allOnes() {
    return bytes == 8 ? -1L : (1L << bytes * 8) - 1;
  }

  /**
   * The field of an OXM class and number, if it is one of ours.
   *
   * @param oxmField 0 to 127
   */
  public static Optional<Field> of(int oxmClass, int oxmField) {
    return switch (oxmClass) {
      case NICIRA -> Optional.ofNullable(BY_NICIRAS_NUMBER[oxmField]);
      case OPENFLOW -> Optional.ofNullable(BY_OPENFLOWS_NUMBER[oxmField]);
      default -> Optional.empty();
    };
  }

  /** The field with this ovs-ofctl name, in either form. */
  public static Optional<Field> named(String name) {
    return Optional.ofNullable(BY_NAME.get(name));
  }
}
