// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.zip.CRC32;

/**
 * The 64 bits by which an entry of ours is recognised, after a restart too, without any memory.
 *
 * <pre>
 *   63             48 47    44 43    40 39         32 31                    0
 *  +-----------------+--------+--------+-------------+-----------------------+
 *  | owner  0x464d   | layout | role   | reserved 0  | subject               |
 *  +-----------------+--------+--------+-------------+-----------------------+
 * </pre>
 *
 * <ul>
 *   <li>owner: "FM". OVN's cookies are 32 bits wide, so the upper half of an entry of OVN's is 0.
 *   <li>layout: 1, the version of this table. An entry of another layout is still ours.
 *   <li>role: which entry it is, {@link Role}.
 *   <li>subject: CRC-32 of the logical port (iface-id) whose traffic it copies, so that an entry
 *       left by one pod is never taken for another's; 0 where no pod was asked for by name.
 * </ul>
 */
public final class Cookie {
  /** The bits that say whose an entry is. */
  public static final long OWNER_MASK = 0xffff_0000_0000_0000L;

  /** "FM". */
  public static final long OWNER = 0x464d_0000_0000_0000L;

  /**
   * The mask for a deletion by one cookie: all bits but one of the reserved ones, which is 0 in
   * every cookie of ours. With a mask of all ones Open vSwitch would walk all entries of that
   * cookie for each deletion (ofproto/ofproto.c, collect_rules_strict): 100,000 took minutes.
   */
  public static final long DELETE_MASK = ~(1L << 39);

  private static final long LAYOUT = 1L << 44;
  private static final int ROLE_SHIFT = 40;

  /** Which of our entries an entry is. */
  public enum Role {
    /** E0: frames that come in by the mirror port. */
    MIRROR_PORT_INGRESS(0),
    /** E1: copies what a port sends. */
    FROM_PORT(1),
    /** E2: copies what is delivered to a port. */
    TO_PORT(2),
    /** E3: keeps what E1 has copied from being copied again. */
    COPIED_ALREADY(3),
    /** E1 without in_port: copies what comes in by any port. */
    FROM_ANY_PORT(4),
    /** E3 for what came in by a tunnel. */
    COPIED_AT_TUNNEL(5);

    private final int code;

    Role(int code) {
      this.code = code;
    }
  }

  private Cookie() {}

  /** The cookie of an entry with this role, for this logical port (empty for none). */
  public static long of(Role role, String subject) {
    return OWNER | LAYOUT | (long) role.code << ROLE_SHIFT | hash(subject);
  }

  /** Whether an entry with this cookie is ours. */
  public static boolean isOurs(long cookie) {
    return (cookie & OWNER_MASK) == OWNER;
  }

  /** The role of an entry of ours, if its layout and role are known to this version. */
  public static Optional<Role> role(long cookie) {
    if (isOurs(cookie) && (cookie & 0xfL << 44) == LAYOUT) {
      int code = (int) (cookie >>> ROLE_SHIFT & 0xf);
      for (Role role : Role.values()) {
        if (role.code == code) {
          return Optional.of(role);
        }
      }
    }
    return Optional.empty();
  }

  /** Whether an entry of ours was made for this logical port. */
  public static boolean isFor(long cookie, String subject) {
    return (cookie & 0xffff_ffffL) == hash(subject);
  }

  private static long hash(String subject) {
    if (subject.isEmpty()) {
      return 0;
    }
    CRC32 crc = new CRC32();
    crc.update(subject.getBytes(StandardCharsets.UTF_8));
    return crc.getValue();
  }
}
