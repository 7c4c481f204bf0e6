// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.ovsdb;

import io.flowmirror.topology.Bridge;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.IntSupplier;
import java.util.function.Predicate;
import org.awaitility.Awaitility;

/** Keeps every report of a session, and waits for one. */
final class Reports implements Consumer<BridgeReport> {
  private final List<BridgeReport> all = new CopyOnWriteArrayList<>();

  /** The index after the last report that was waited for. A reason may be gone in no time. */
  private int seen;

  @Override
  public void accept(BridgeReport report) {
    all.add(report);
  }

  List<BridgeReport> all() {
    return List.copyOf(all);
  }

  /** Waits until the newest report is like that. */
  BridgeReport until(String what, Predicate<BridgeReport> wanted) {
    return await(what, () -> all.isEmpty() ? 0 : all.size() - 1, wanted);
  }

  private BridgeReport await(String what, IntSupplier from, Predicate<BridgeReport> wanted) {
    AtomicInteger found = new AtomicInteger();
    Awaitility.await(what)
        .atMost(Duration.ofSeconds(60))
        .pollInterval(Duration.ofMillis(5))
        .until(
            () -> {
              for (int i = from.getAsInt(); i < all.size(); i++) {
                if (wanted.test(all.get(i))) {
                  found.set(i);
                  return true;
                }
              }
              return false;
            });
    seen = found.get() + 1;
    return all.get(found.get());
  }

  /** Waits for a bridge that is like that. */
  Bridge untilBridge(String what, Predicate<Bridge> wanted) {
    return until(what, report -> report.bridge().isPresent() && wanted.test(report.bridge().get()))
        .bridge()
        .orElseThrow();
  }

  /** Waits until that round has been answered. */
  BridgeReport untilRound(long round) {
    return until("round " + round + " is answered", report -> report.round() >= round);
  }

  /** Waits for a report, after the last one waited for, that says why there is no bridge. */
  BridgeReport untilReason(String part) {
    return await("a reason with '" + part + "'", () -> seen, r -> r.reason().contains(part));
  }
}
