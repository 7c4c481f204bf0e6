// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.common.collect.ImmutableMap;
import io.flowmirror.topology.PodName;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code flowmirror capture}: a pod's frames as pcap, for as long as it runs. */
@Command(
    name = "capture",
    description = {
      "Capture a pod's frames on its node: have it mirrored for as long as this runs, and write what"
          + " arrives at the mirror port as pcap to standard output or a file.",
      "The mirror is taken back in the end; if this is killed, it ends by itself within a minute. One"
          + " that was there before stays as it was. Needs tcpdump, and the right to use it."
    },
    mixinStandardHelpOptions = true,
    footerHeading = "%nExamples, on the pod's node:%n",
    footer = {
      "  flowmirror capture shop/cart | wireshark -k -i -",
      "  flowmirror capture shop/cart -w cart.pcap --for 10m tcp port 443",
      "  flowmirror capture shop/cart -c 100 'not arp' | tcpdump -n -r -"
    })
final class CaptureCommand extends RemoteCommand {
  private static final Duration SETTLING = Duration.ofSeconds(10);
  private static final Duration LOOK = Duration.ofMillis(100);
  private static final Duration CLOSING = Duration.ofSeconds(10);

  @Parameters(
      index = "0",
      paramLabel = "NS/POD",
      converter = Words.Pod.class,
      description = "The pod.")
  private PodName pod = Words.NO_POD;

  @Parameters(
      index = "1..*",
      arity = "0..*",
      paramLabel = "FILTER",
      description = "Only frames of this kind, as pcap-filter(7) has it.")
  private List<String> filter = new ArrayList<>();

  @Option(
      names = {"-w", "--write"},
      paramLabel = "FILE",
      description = "Write to this file, which is made anew, in place of standard output.")
  private @Nullable Path file;

  @Option(
      names = {"-c", "--count"},
      paramLabel = "COUNT",
      description = "End after so many frames.")
  private @Nullable Integer count;

  @Option(
      names = "--for",
      paramLabel = "DURATION",
      converter = Words.Span.class,
      description = "End after this time, such as 10m.")
  private @Nullable Duration span;

  @Mixin private final DirectionOption direction = new DirectionOption();

  @Option(names = "--all", description = "Whatever arrives at the mirror port, of whichever pod.")
  private boolean all;

  @Option(
      names = "--netns",
      paramLabel = "NAME",
      description = "The network namespace of the mirror port, if it is not this one's.")
  private @Nullable String netns;

  /** Where a pod is captured. */
  private record Place(String node, String mirrorPort, JsonNode port) {}

  @Override
  public Integer call() throws InterruptedException {
    if (count != null && count < 1) {
      throw wrong("--count " + count + ": expected at least 1");
    }
    if (file == null && isTerminal()) {
      throw wrong("standard output is a terminal: pipe it into a program, or use -w FILE");
    }
    String more = String.join(" ", filter);
    Optional<String> objection = more.isEmpty() ? Optional.empty() : Tcpdump.objection(more);
    if (objection.isPresent()) {
      throw wrong("FILTER: " + Table.shown(objection.get()));
    }
    Remote remote = remote();
    Place place = place(remote);
    String whole = all ? more : filter(remote, place, more);
    try (Stopping stopping = Stopping.onSignal(CLOSING);
        OutputStream target = target();
        HeldMirror mirror = HeldMirror.take(remote, pod, direction.get(), this::say)) {
      return capture(remote, place, whole, mirror, target, stopping.end());
    } catch (IOException e) {
      say(Words.of(e, file));
      return Flowmirror.FAILED;
    }
  }

  private Place place(Remote remote) {
    JsonNode found = remote.get(Remote.path("pods", pod.namespace(), pod.name()));
    for (JsonNode each : found.path("interfaces")) {
      if (each.path("interface").asText("").isEmpty() && each.has("node") && each.has("port")) {
        String node = each.path("node").asText();
        String mirrorPort =
            remote.get(Remote.path("nodes", node)).path("mirrorPort").path("name").asText("");
        String own = each.path("port").path("name").asText();
        // Every node has a mirror port of the same name; the pod's own port is there alone.
        for (String name : List.of(mirrorPort, own)) {
          if (!Tcpdump.hasInterface(Optional.ofNullable(netns), name)) {
            throw failed(
                pod
                    + " is on node "
                    + node
                    + ", whose "
                    + name
                    + " is no interface here: run this"
                    + " on that node");
          }
        }
        return new Place(node, mirrorPort, each.path("port"));
      }
    }
    throw failed(pod + " has no port on any node: flowmirror explain " + pod + " says more");
  }

  private static RemoteException failed(String line) {
    return new RemoteException(RemoteException.UNREACHED, Table.shown(line));
  }

  private String filter(Remote remote, Place place, String more) {
    Optional<String> address;
    boolean alone;
    try {
      address = CaptureFilter.address(remote, place.node(), place.port());
      alone = isAlone(remote, place.node());
    } catch (RemoteException e) {
      if (e.exitCode() != Flowmirror.REFUSED) {
        throw e;
      }
      address = Optional.empty();
      alone = false;
    }
    if (address.isEmpty()) {
      say(
          "the pod's address is not known here: whatever arrives at "
              + place.mirrorPort()
              + " is captured, of other pods as well");
    } else if (!alone) {
      say(
          "other pods are mirrored on "
              + place.node()
              + ": what others send to groups of addresses is left out, as it may be their copy");
    }
    return CaptureFilter.of(address, alone, more);
  }

  private boolean isAlone(Remote remote, String node) {
    if (remote.get(Remote.path("nodes", node)).path("everything").asBoolean()) {
      return false;
    }
    for (JsonNode each :
        remote
            .list(Remote.path("pods"), ImmutableMap.of("node", node, "mirrored", "true"))
            .path("items")) {
      if (!pod.toString()
          .equals(each.path("namespace").asText() + "/" + each.path("name").asText())) {
        return false;
      }
    }
    return true;
  }

  private int capture(
      Remote remote,
      Place place,
      String whole,
      HeldMirror mirror,
      OutputStream target,
      CompletableFuture<Integer> end)
      throws InterruptedException {
    ReaderGone reader = ReaderGone.watch(file == null, () -> end.complete(Flowmirror.DONE));
    try (Tcpdump tcpdump =
        Tcpdump.start(
            Optional.ofNullable(netns), place.mirrorPort(), Optional.ofNullable(count), whole)) {
      Thread pump = Thread.ofPlatform().name("pcap").start(() -> pump(tcpdump, target, end));
      sayWhenMirrored(remote, place, whole, tcpdump, end);
      int code = await(mirror, end);
      tcpdump.stop();
      // What it has captured is written before it ends.
      pump.join(CLOSING);
      return code;
    } finally {
      reader.close();
    }
  }

  private void pump(Tcpdump tcpdump, OutputStream target, CompletableFuture<Integer> end) {
    try {
      end.complete(tcpdump.passTo(target) ? Flowmirror.DONE : Flowmirror.FAILED);
    } catch (IOException e) {
      if (file != null) {
        say(Words.of(e, file));
      }
      // Who has read enough of a pipe closes it.
      end.complete(file == null ? Flowmirror.DONE : Flowmirror.FAILED);
      tcpdump.stop();
    }
  }

  private void sayWhenMirrored(
      Remote remote, Place place, String whole, Tcpdump tcpdump, CompletableFuture<Integer> end)
      throws InterruptedException {
    long begin = System.nanoTime();
    String reason = "";
    while (!end.isDone() && System.nanoTime() - begin < SETTLING.toNanos()) {
      reason = tcpdump.isListening() ? pending(remote, place.node()) : "tcpdump does not listen";
      if (reason.isEmpty()) {
        say(
            "capturing "
                + pod
                + " at "
                + place.mirrorPort()
                + " of "
                + place.node()
                + (whole.isEmpty() ? "" : ": " + whole));
        return;
      }
      Thread.sleep(LOOK);
    }
    if (!end.isDone()) {
      say(pod + " is not captured yet: " + Table.shown(reason));
    }
  }

  /** Why it is not mirrored; empty if it is. */
  private String pending(Remote remote, String node) {
    try {
      for (JsonNode each :
          remote.get(Remote.path("pods", pod.namespace(), pod.name())).path("interfaces")) {
        if (each.path("node").asText().equals(node)
            && each.path("interface").asText("").isEmpty()) {
          return each.path("state").asText().equals("mirrored")
              ? ""
              : each.path("reason").asText("") + " (" + each.path("state").asText() + ")";
        }
      }
      return "it is gone from " + node;
    } catch (RemoteException e) {
      return e.line();
    }
  }

  /** Puts the mirror's end off until it is time. */
  private int await(HeldMirror mirror, CompletableFuture<Integer> end) throws InterruptedException {
    long begin = System.nanoTime();
    while (true) {
      long left = span == null ? Long.MAX_VALUE : span.toNanos() - (System.nanoTime() - begin);
      try {
        return end.get(
            Math.min(Math.max(left, 0), HeldMirror.RENEWAL.toNanos()), TimeUnit.NANOSECONDS);
      } catch (TimeoutException e) {
        if (left <= HeldMirror.RENEWAL.toNanos()) {
          return Flowmirror.DONE;
        }
        if (!mirror.renew()) {
          say(
              pod
                  + " is not asked for any more: somebody has taken it back, or the controller was"
                  + " started anew and keeps nothing");
          return Flowmirror.FAILED;
        }
      } catch (ExecutionException e) {
        throw new IllegalStateException(e.getCause());
      }
    }
  }

  private OutputStream target() throws IOException {
    return file == null ? new FileOutputStream(FileDescriptor.out) : Files.newOutputStream(file);
  }

  private static boolean isTerminal() {
    try {
      String to = Files.readSymbolicLink(Path.of("/proc/self/fd/1")).toString();
      return to.startsWith("/dev/pts/") || to.startsWith("/dev/tty");
    } catch (IOException e) {
      return false;
    }
  }
}
