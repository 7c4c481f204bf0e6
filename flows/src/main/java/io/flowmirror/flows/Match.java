// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSortedMap;
import java.util.Map;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * A flow entry's match. It is half of an entry's identity, and looked up far more often than made:
 * its hash is kept.
 */
public final class Match {
  private final ImmutableSortedMap<Field, MaskedValue> fields;
  private final ImmutableList<Opaque> others;
  private final int hash;

  /**
   * A match on all of these.
   *
   * @param fields what is matched of the fields we know, in ovs-ofctl's order
   * @param others fields that we have no name for, each as its OXM on the wire; kept so that two
   *     entries that differ only there are two entries
   */
  public Match(ImmutableSortedMap<Field, MaskedValue> fields, ImmutableList<Opaque> others) {
    this.fields = fields;
    this.others = others;
    this.hash = hash(fields, others);
  }

  /** Without the entries that a map's own hash would make, one for each field. */
  private static int hash(
      ImmutableSortedMap<Field, MaskedValue> fields, ImmutableList<Opaque> others) {
    ImmutableList<Field> keys = fields.keySet().asList();
    ImmutableList<MaskedValue> values = fields.values().asList();
    int hash = others.hashCode();
    for (int i = 0; i < keys.size(); i++) {
      MaskedValue value = values.get(i);
      hash = 31 * hash + (keys.get(i).oxmClass() << 7 | keys.get(i).oxmField());
      hash = 31 * hash + Long.hashCode(value.value());
      hash = 31 * hash + Long.hashCode(value.mask());
    }
    return hash;
  }

  /** What is matched of the fields we know, in ovs-ofctl's order. */
  public ImmutableSortedMap<Field, MaskedValue> fields() {
    return fields;
  }

  /** Fields that we have no name for, each as its OXM on the wire. */
  public ImmutableList<Opaque> others() {
    return others;
  }

  @Override
  public boolean equals(@Nullable Object object) {
    return object == this
        || (object instanceof Match other
            && hash == other.hash
            && fields.keySet().asList().equals(other.fields.keySet().asList())
            && fields.values().asList().equals(other.fields.values().asList())
            && others.equals(other.others));
  }

  @Override
  public int hashCode() {
    return hash;
  }

  @Override
  public String toString() {
    return "Match[fields=" + fields + ", others=" + others + "]";
  }

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
