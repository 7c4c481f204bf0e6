// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSortedMap;
import java.util.Arrays;
import java.util.Map;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * A flow entry's match. It is half of an entry's identity, looked up and compared far more often
 * than made, and there are as many as entries: its fields are two numbers each in one array, and
 * its hash is kept.
 */
public final class Match {
  private static final Field[] FIELDS = Field.values();

  /** A bit for each field that is matched, by its ordinal. */
  private final int set;

  /** Value and mask of each of those, in the order of the fields. */
  private final long[] words;

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
    this(of(fields), others);
  }

  private Match(Match known, ImmutableList<Opaque> others) {
    this(known.set, known.words, others);
  }

  private Match(int set, long[] words, ImmutableList<Opaque> others) {
    this.set = set;
    this.words = words;
    this.others = others;
    this.hash = (31 * others.hashCode() + set) * 31 + Arrays.hashCode(words);
  }

  /** What is matched of the fields we know, in ovs-ofctl's order; made anew by each call. */
  public ImmutableSortedMap<Field, MaskedValue> fields() {
    ImmutableSortedMap.Builder<Field, MaskedValue> fields = ImmutableSortedMap.naturalOrder();
    forEach((field, value, mask) -> fields.put(field, new MaskedValue(value, mask)));
    return fields.buildOrThrow();
  }

  /** What is told of each field. */
  public interface Each {
    /** One field, its value and its mask, both right-aligned. */
    void field(Field field, long value, long mask);
  }

  /** Tells of the fields that we know, in ovs-ofctl's order. */
  public void forEach(Each each) {
    int word = 0;
    for (int left = set; left != 0; left &= left - 1) {
      each.field(FIELDS[Integer.numberOfTrailingZeros(left)], words[word], words[word + 1]);
      word += 2;
    }
  }

  /** How many of the fields that we know are matched. */
  public int size() {
    return words.length / 2;
  }

  /** Whether this field is matched, under whatever mask. */
  public boolean has(Field field) {
    return (set & bit(field)) != 0;
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
            && set == other.set
            && Arrays.equals(words, other.words)
            && others.equals(other.others));
  }

  @Override
  public int hashCode() {
    return hash;
  }

  @Override
  public String toString() {
    return "Match[fields=" + fields() + ", others=" + others + "]";
  }

  /** A value under a mask, both right-aligned; bits outside the mask are zero. */
  public record MaskedValue(long value, long mask) {
    public MaskedValue {
      value &= mask;
    }
  }

  /** A match on no field: every packet. */
  public static final Match ANY = new Match(0, new long[0], ImmutableList.of());

  /** A match on these fields and nothing else. */
  public static Match of(Map<Field, MaskedValue> fields) {
    Builder builder = new Builder();
    fields.forEach((field, value) -> builder.put(field, value.value(), value.mask()));
    return builder.build();
  }

  /** Collects the fields of a match, in any order. Confined to one thread. */
  public static final class Builder {
    private int set;
    private long[] words = new long[8];
    private ImmutableList.@Nullable Builder<Opaque> others;

    /**
     * Adds a field; bits of the value outside the mask count as zero.
     *
     * @return false, and nothing is added, if the field is there already
     */
    public boolean put(Field field, long value, long mask) {
      if ((set & bit(field)) != 0) {
        return false;
      }
      int end = 2 * Integer.bitCount(set);
      if (end == words.length) {
        words = Arrays.copyOf(words, 2 * end);
      }
      int at = index(set, field);
      System.arraycopy(words, at, words, at + 2, end - at);
      words[at] = value & mask;
      words[at + 1] = mask;
      set |= bit(field);
      return true;
    }

    /** Adds a field that we have no name for, as its OXM on the wire. */
    public void put(Opaque other) {
      if (others == null) {
        others = ImmutableList.builder();
      }
      others.add(other);
    }

    /** What has been added. */
    public Match build() {
      return new Match(
          set,
          Arrays.copyOf(words, 2 * Integer.bitCount(set)),
          others == null ? ImmutableList.of() : others.build());
    }
  }

  /** There are 20 fields, and this is no more than an index within one process. */
  @SuppressWarnings("EnumOrdinal")
  private static int bit(Field field) {
    return 1 << field.ordinal();
  }

  /** Where the words of a field are, or would be. */
  private static int index(int set, Field field) {
    return 2 * Integer.bitCount(set & (bit(field) - 1));
  }

  /** This match, with one field more matched exactly. */
  public Match with(Field field, long value) {
    return with(field, value, field.allOnes());
  }

  /**
   * This match, with one field more matched under a mask.
   *
   * @throws IllegalArgumentException if the field is matched already
   */
  public Match with(Field field, long value, long mask) {
    if (has(field)) {
      throw new IllegalArgumentException(field.text() + " is matched already");
    }
    int at = index(set, field);
    long[] more = new long[words.length + 2];
    System.arraycopy(words, 0, more, 0, at);
    System.arraycopy(words, at, more, at + 2, words.length - at);
    more[at + 1] = mask & field.allOnes();
    more[at] = value & more[at + 1];
    return new Match(set | bit(field), more, others);
  }

  /** Whether some packet may match both. Fields that we have no name for are taken to allow it. */
  public boolean overlaps(Match other) {
    for (int left = set & other.set; left != 0; left &= left - 1) {
      Field field = FIELDS[Integer.numberOfTrailingZeros(left)];
      int one = index(set, field);
      int two = index(other.set, field);
      long common = words[one + 1] & other.words[two + 1];
      if (((words[one] ^ other.words[two]) & common) != 0) {
        return false;
      }
    }
    return true;
  }

  /** Whether every packet that this matches is matched by those fields that the other knows. */
  boolean isWithin(Match wider) {
    int word = 0;
    for (int left = wider.set; left != 0; left &= left - 1) {
      Field field = FIELDS[Integer.numberOfTrailingZeros(left)];
      long mask = wider.words[word + 1];
      int at = index(set, field);
      boolean within =
          mask == 0
              || (has(field)
                  && (words[at + 1] & mask) == mask
                  && ((words[at] ^ wider.words[word]) & mask) == 0);
      if (!within) {
        return false;
      }
      word += 2;
    }
    return true;
  }

  /** The value of a field that is matched exactly, under no mask. */
  public OptionalLong exact(Field field) {
    return isExact(field) ? OptionalLong.of(words[index(set, field)]) : OptionalLong.empty();
  }

  /** Whether a field is matched exactly, under no mask. */
  public boolean isExact(Field field) {
    return has(field) && words[index(set, field) + 1] == field.allOnes();
  }
}
