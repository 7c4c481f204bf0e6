// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.flows;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.flowmirror.topology.LogicalPort;
import io.flowmirror.topology.Port;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Stream;

/**
 * What OVN's own flow entries say of br-int's ports (OVN, controller/physical.c).
 *
 * <p>Table 0 (OFTABLE_PHY_TO_LOG) maps {@code in_port} to a logical datapath and an input port;
 * OFTABLE_LOG_TO_PHY, called T here, maps the datapath and an output port back to a port. T is 65
 * from OVN 20.12 to 26.03 and 89 later, so it is looked for and never assumed.
 */
public final class OvnPipeline {
  /** OFTABLE_PHY_TO_LOG, in every version. */
  public static final int INGRESS_TABLE = 0;

  /** The highest priority that OVN uses in table 0. */
  public static final int MAX_INGRESS_PRIORITY = 1050;

  private static final int DATAPATH_KEY_BITS = 24;
  private static final int PORT_KEY_BITS = 15;
  private static final int ZONE_BITS = 16;

  private static final Comparator<LogicalPort> ORDER =
      Comparator.comparingInt(LogicalPort::ofport)
          .thenComparingLong(LogicalPort::datapathKey)
          .thenComparingInt(LogicalPort::portKey)
          .thenComparing(LogicalPort::plain)
          .thenComparing(LogicalPort::untags);

  /** OXM_OF_VLAN_VID, matched exactly, on a tag that is there: 16 bits follow (section 7.2.3.7). */
  private static final String EXACT_VLAN = "80000c021";

  private OvnPipeline() {}

  /** Whether an entry of table 0 may say something of a port. */
  public static boolean concernsIngress(FlowEntry entry) {
    return !Cookie.isOurs(entry.cookie())
        && entry.key().table() == INGRESS_TABLE
        && entry.key().priority() <= MAX_INGRESS_PRIORITY
        && entry.key().match().isExact(Field.IN_PORT);
  }

  /**
   * Whether an entry of table 0 says whose a port is. That of a tunnel, or of a patch, does not.
   */
  public static boolean tellsOfPort(FlowEntry entry) {
    return concernsIngress(entry) && candidate(entry).isPresent();
  }

  /** Whether an entry may be OVN's delivery of a logical output port. */
  public static boolean concernsDelivery(FlowEntry entry) {
    Match match = entry.key().match();
    return !Cookie.isOurs(entry.cookie())
        && match.isExact(Field.REG15)
        && match.isExact(Field.METADATA);
  }

  /** What table 0 says, in the order of ofport: each is only half a logical port. */
  public static ImmutableList<LogicalPort> candidates(Iterable<FlowEntry> table0) {
    ImmutableSet.Builder<LogicalPort> found = ImmutableSet.builder();
    for (FlowEntry entry : table0) {
      if (concernsIngress(entry)) {
        candidate(entry).ifPresent(found::add);
      }
    }
    return ImmutableList.sortedCopyOf(ORDER, found.build());
  }

  /**
   * T, by a candidate and the entries of all tables that output to its ofport; empty if none of
   * them delivers it. Were there several, the last one counts: nothing of OVN's comes after T.
   */
  public static OptionalInt deliveryTable(LogicalPort candidate, Iterable<FlowEntry> outputs) {
    int table = -1;
    for (FlowEntry entry : outputs) {
      if (entry.key().table() > table && delivers(entry, candidate)) {
        table = entry.key().table();
      }
    }
    return table < 0 ? OptionalInt.empty() : OptionalInt.of(table);
  }

  /** The candidates that T delivers to the same port. */
  public static ImmutableList<LogicalPort> logicalPorts(
      List<LogicalPort> candidates, Iterable<FlowEntry> deliveries) {
    Set<Delivery> delivered = new HashSet<>();
    for (FlowEntry entry : deliveries) {
      if (concernsDelivery(entry)) {
        for (Action action : entry.actions()) {
          if (action instanceof Action.Output(int port)) {
            Match match = entry.key().match();
            delivered.add(
                new Delivery(
                    port,
                    match.exact(Field.METADATA).orElseThrow(),
                    match.exact(Field.REG15).orElseThrow()));
          }
        }
      }
    }
    List<LogicalPort> ports = new ArrayList<>(candidates);
    ports.removeIf(
        port ->
            !delivered.contains(new Delivery(port.ofport(), port.datapathKey(), port.portKey())));
    return ImmutableList.copyOf(ports);
  }

  /**
   * What an entry of OVN's does with a port of br-int, in words; empty if it is another entry.
   *
   * @param entry an entry of table 0 or of T
   */
  public static Optional<String> purpose(FlowEntry entry) {
    return concernsIngress(entry)
        ? candidate(entry).map(port -> mapping(entry, port))
        : concernsDelivery(entry) ? delivery(entry) : Optional.empty();
  }

  private static String mapping(FlowEntry entry, LogicalPort port) {
    OptionalLong zone = OptionalLong.empty();
    for (Action action : entry.actions()) {
      zone = constant(action, Field.REG13, ZONE_BITS, zone);
    }
    return "maps "
        + (port.plain() ? "" : "some packets of ")
        + "port "
        + port.ofport()
        + " to logical datapath "
        + port.datapathKey()
        + ", logical port "
        + port.portKey()
        + (zone.isPresent() ? ", conntrack zone " + zone.getAsLong() : "");
  }

  private static Optional<String> delivery(FlowEntry entry) {
    Match match = entry.key().match();
    return entry.actions().stream()
        .flatMap(
            action -> action instanceof Action.Output(int port) ? Stream.of(port) : Stream.empty())
        .findFirst()
        .map(
            port ->
                "delivers logical port "
                    + match.exact(Field.REG15).orElseThrow()
                    + " of datapath "
                    + match.exact(Field.METADATA).orElseThrow()
                    + " to port "
                    + port);
  }

  private record Delivery(int ofport, long datapathKey, long portKey) {}

  private static boolean delivers(FlowEntry entry, LogicalPort port) {
    Match match = entry.key().match();
    return concernsDelivery(entry)
        && match.exact(Field.METADATA).orElseThrow() == port.datapathKey()
        && match.exact(Field.REG15).orElseThrow() == port.portKey()
        && entry.actions().contains(new Action.Output(port.ofport()));
  }

  private static Optional<LogicalPort> candidate(FlowEntry entry) {
    OptionalLong datapathKey = OptionalLong.empty();
    OptionalLong portKey = OptionalLong.empty();
    boolean resubmits = false;
    for (Action action : entry.actions()) {
      datapathKey = constant(action, Field.METADATA, DATAPATH_KEY_BITS, datapathKey);
      portKey = constant(action, Field.REG14, PORT_KEY_BITS, portKey);
      resubmits |= action instanceof Action.Resubmit;
    }
    long ofport = entry.key().match().exact(Field.IN_PORT).orElseThrow();
    if (!resubmits
        || !isIn(datapathKey, LogicalPort.MAX_DATAPATH_KEY)
        || !isIn(portKey, LogicalPort.MAX_PORT_KEY)
        || !isIn(OptionalLong.of(ofport), Port.MAX)) {
      return Optional.empty();
    }
    Match match = entry.key().match();
    boolean plain = match.size() == 1 && match.others().isEmpty();
    return Optional.of(
        new LogicalPort(
            (int) ofport,
            datapathKey.orElseThrow(),
            (int) portKey.orElseThrow(),
            plain,
            match.others().stream().anyMatch(OvnPipeline::isTag)));
  }

  /**
   * Whether it is a match on one VLAN, whose tag OVN's entry then strips. An untagged localnet port
   * has two entries: of what has no tag, and of what has one with VLAN 0, a mere priority.
   */
  private static boolean isTag(Opaque oxm) {
    String digits = oxm.toString();
    return digits.startsWith(EXACT_VLAN) && !digits.endsWith("000");
  }

  /**
   * The constant that the action writes into the field, or what was known before. A load of the low
   * bits counts if they hold the widest key: the others are zero in a packet that has just come in.
   */
  private static OptionalLong constant(
      Action action, Field field, int keyBits, OptionalLong before) {
    if (action instanceof Action.SetField(Field target, long value) && target == field) {
      return OptionalLong.of(value);
    }
    if (action instanceof Action.Load(Field target, int offset, int bits, long value)
        && target == field
        && offset == 0
        && bits >= keyBits) {
      return OptionalLong.of(value);
    }
    return before;
  }

  private static boolean isIn(OptionalLong value, long max) {
    return value.isPresent() && value.orElseThrow() >= 1 && value.orElseThrow() <= max;
  }
}
