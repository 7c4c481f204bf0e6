// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSortedSet;
import io.flowmirror.config.Direction;
import java.util.Comparator;
import java.util.Map;
import java.util.Optional;

/**
 * What a pod's annotations ask for, as Kube-OVN's documents say (guide/mirror): {@code
 * ovn.kubernetes.io/mirror} mirrors its primary interface, {@code
 * NAD.NAMESPACE.ovn.kubernetes.io/mirror} an attached one. Only {@code true}, exactly, asks for
 * anything.
 *
 * @param wanted the direction for each of the pod's interfaces, by provider, empty for the primary
 *     one
 * @param problems what is wrong, in words; of such an interface {@code wanted} says nothing
 * @param unclear the interfaces that the problems are about
 */
record MirrorAnnotations(
    ImmutableMap<String, Direction> wanted,
    ImmutableList<String> problems,
    ImmutableList<String> unclear) {
  private static final String DOMAIN = "kubernetes.io/";
  private static final String MIRROR = DOMAIN + "mirror";
  private static final String DIRECTION = DOMAIN + "mirror-direction";

  /**
   * So many interfaces of one pod may be asked for. Each costs an Event, and a place in every
   * snapshot of its node, and a pod's annotations have room for thousands.
   */
  static final int MOST = 16;

  /** Kube-OVN's own provider: the primary interface's. */
  static final String OVN = "ovn";

  /** Whether this annotation says anything of mirrors. */
  static boolean isOne(String key) {
    return provider(key, MIRROR).or(() -> provider(key, DIRECTION)).isPresent();
  }

  /**
   * Reads a pod's annotations.
   *
   * @param byDefault the direction of a mirror that does not say its own
   */
  static MirrorAnnotations of(Map<String, String> annotations, Direction byDefault) {
    ImmutableSortedSet<String> asked = asked(annotations);
    if (asked.size() > MOST) {
      return new MirrorAnnotations(
          ImmutableMap.of(),
          ImmutableList.of(
              "annotations *."
                  + MIRROR
                  + ": found "
                  + asked.size()
                  + " interfaces; expected at most "
                  + MOST),
          asked.asList());
    }
    ImmutableMap.Builder<String, Direction> wanted = ImmutableMap.builder();
    ImmutableList.Builder<String> problems = ImmutableList.builder();
    ImmutableList.Builder<String> unclear = ImmutableList.builder();
    for (String provider : asked) {
      String prefix = provider.isEmpty() ? OVN : provider;
      String direction = annotations.get(prefix + "." + DIRECTION);
      try {
        wanted.put(provider, direction == null ? byDefault : Direction.parse(direction));
      } catch (IllegalArgumentException e) {
        problems.add(prefix + "." + DIRECTION + ": " + e.getMessage());
        unclear.add(provider);
      }
    }
    return new MirrorAnnotations(wanted.buildOrThrow(), problems.build(), unclear.build());
  }

  /** In an order of their own, so that equal annotations say equal things. */
  private static ImmutableSortedSet<String> asked(Map<String, String> annotations) {
    return annotations.entrySet().stream()
        .filter(entry -> entry.getValue().equals("true"))
        .flatMap(entry -> provider(entry.getKey(), MIRROR).stream())
        .collect(ImmutableSortedSet.toImmutableSortedSet(Comparator.naturalOrder()));
  }

  /** The provider that an annotation is about, empty for the primary interface's. */
  private static Optional<String> provider(String key, String suffix) {
    if (!key.endsWith("." + suffix)) {
      return Optional.empty();
    }
    String provider = key.substring(0, key.length() - suffix.length() - 1);
    if (provider.equals(OVN)) {
      return Optional.of("");
    }
    return provider.endsWith("." + OVN) ? Optional.of(provider) : Optional.empty();
  }
}
