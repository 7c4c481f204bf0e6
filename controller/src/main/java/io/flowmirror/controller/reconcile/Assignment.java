// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.reconcile;

import com.google.common.collect.ImmutableList;
import com.google.common.hash.HashCode;
import com.google.common.hash.Hashing;
import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.OptionalLong;

/**
 * Which of several controllers does what: a node's writer, and its stand-by, are the members with
 * the highest hash of the node's name and theirs (rendezvous hashing: Thaler and Ravishankar,
 * "Using name-based mappings to increase hit rates", IEEE/ACM ToN 6(1), 1998), so that all who know
 * the members agree, and a member that comes or goes moves its own share only.
 *
 * @param self the name of this controller among the members
 * @param members all that are alive; empty before it is known
 * @param generation grows with each change of the members; empty where there is only one
 *     controller, ever
 * @param current whether that is known for certain now, or was heard last
 */
public record Assignment(
    String self, ImmutableList<String> members, OptionalLong generation, boolean current) {
  /** There is no other controller, as far as the configuration says. */
  public static final Assignment ALONE =
      new Assignment("", ImmutableList.of(""), OptionalLong.empty(), true);

  /** It is not known yet who else there is. */
  public static Assignment unknown(String self) {
    return new Assignment(self, ImmutableList.of(), OptionalLong.of(0), false);
  }

  /** What this controller does on a node. */
  public Duty duty(String node) {
    ImmutableList<String> ranked =
        ImmutableList.sortedCopyOf(
            Comparator.comparing((String member) -> weight(node, member))
                .reversed()
                .thenComparing(Comparator.naturalOrder()),
            members);
    return switch (ranked.indexOf(self)) {
      case 0 -> Duty.WRITE;
      case 1 -> Duty.STAND_BY;
      case -1 -> Duty.NONE;
      default -> Duty.READ;
    };
  }

  private static String weight(String node, String member) {
    HashCode hash = Hashing.sha256().hashString(node + "\0" + member, StandardCharsets.UTF_8);
    return hash.toString();
  }

  /** The same, as what was heard last. */
  public Assignment last() {
    return new Assignment(self, members, generation, false);
  }
}
