// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSortedMap;
import java.util.Map;
import java.util.OptionalLong;

/**
 * A flow entry's match.
 *
 * @param fields what is matched of the fields we know, in ovs-ofctl's order
 * @param others fields that we have no name for, each as its OXM on the wire; kept so that two
 *     entries that differ only there are two entries
 */
public record Match(ImmutableSortedMap<Field, MaskedValue> fields, ImmutableList<Opaque> others) {

  /** A value under a mask, both right-aligned; bits outside the mask are zero. */
  public record MaskedValue(long value, long mask) {
    public MaskedValue {
      value &= mask;
    }
  }

  /** A match on no field: every packet. */
  public static final Match ANY = new Match(ImmutableSortedMap.of(), ImmutableList.of());

  /** A match on these fields and nothing else. */
  public static Match of(Map<Field, MaskedValue> fields) {
    return new Match(ImmutableSortedMap.copyOf(fields), ImmutableList.of());
  }

  /** This match, with one field more matched exactly. */
  public Match with(Field field, long value) {
    return with(field, value, field.allOnes());
  }

  /** This match, with one field more matched under a mask. */
  public Match with(Field field, long value, long mask) {
    return new Match(
        ImmutableSortedMap.<Field, MaskedValue>naturalOrder()
            .putAll(fields)
            .put(field, new MaskedValue(value, mask & field.allOnes()))
            .buildOrThrow(),
        others);
  }

  /** Whether some packet may match both. Fields that we have no name for are taken to allow it. */
  public boolean overlaps(Match other) {
    return fields.entrySet().stream()
        .allMatch(
            entry -> {
              MaskedValue one = entry.getValue();
              MaskedValue two = other.fields.get(entry.getKey());
              return two == null || ((one.value() ^ two.value()) & one.mask() & two.mask()) == 0;
            });
  }

  /** The value of a field that is matched exactly, under no mask. */
  public OptionalLong exact(Field field) {
    MaskedValue value = fields.get(field);
    return value != null && value.mask() == field.allOnes()
        ? OptionalLong.of(value.value())
        : OptionalLong.empty();
  }
}
