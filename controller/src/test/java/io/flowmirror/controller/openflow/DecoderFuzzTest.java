// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.primitives.Bytes;
import com.sun.management.ThreadMXBean;
import io.flowmirror.controller.openflow.Incoming.MultipartPart;
import io.flowmirror.controller.openflow.Incoming.SwitchError;
import io.flowmirror.flows.Action;
import io.flowmirror.flows.InstalledEntry;
import io.flowmirror.flows.Opaque;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.opendaylight.yangtools.binding.DataObject;

/**
 * Every decoder against spoilt messages of real switches. Something comes out, or a reason; never
 * another exception, never an endless loop, and never much more memory than there were bytes.
 */
class DecoderFuzzTest {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private static final ImmutableList<byte[]> ENTRIES = entries();
  private static final ImmutableList<byte[]> SESSION = Corpus.messages(Corpus.SESSION);

  /** Each {@code struct ofp_flow_stats} of the corpus. */
  private static ImmutableList<byte[]> entries() {
    ImmutableList.Builder<byte[]> entries = ImmutableList.builder();
    for (String file : Corpus.FLOWS) {
      for (byte[] message : Corpus.messages(file)) {
        entries.addAll(WireEntry.pieces(message, 16, 0));
      }
    }
    return entries.build();
  }

  @Test
  void flowEntries() {
    Fuzz.run(
        20_000,
        mutator -> {
          byte[] body = mutator.spoil(mutator.someOf(ENTRIES), ENTRIES);
          List<InstalledEntry> entries = new ArrayList<>();
          boolean decoded =
              decode(
                  body,
                  in -> {
                    entries.clear();
                    FlowDecoder.decode(in, entries::add);
                  });
          if (decoded) {
            assertKept(body, entries);
          }
          assertThat(entries.size()).isLessThanOrEqualTo(body.length / 56);
        });
  }

  /** What was not understood is kept as it was, also where it makes no sense. */
  private static void assertKept(byte[] body, List<InstalledEntry> entries) {
    List<WireEntry> wire = WireEntry.split(Bytes.concat(new byte[16], body));
    assertThat(entries).hasSameSizeAs(wire);
    for (int i = 0; i < wire.size(); i++) {
      List<Action> actions = entries.get(i).entry().actions();
      assertThat(actions).hasSameSizeAs(wire.get(i).actions());
      for (int j = 0; j < actions.size(); j++) {
        if (actions.get(j) instanceof Action.Other(Opaque bytes)) {
          assertThat(bytes).isEqualTo(wire.get(i).actions().get(j));
        }
      }
      assertThat(entries.get(i).entry().key().match().others()).isSubsetOf(wire.get(i).oxms());
    }
  }

  @Test
  void matches() {
    Fuzz.run(
        20_000,
        mutator -> {
          byte[] entry = mutator.oneOf(ENTRIES);
          byte[] match = Arrays.copyOfRange(entry, 48, entry.length);
          decode(mutator.spoil(match, ENTRIES), FlowDecoder::match);
        });
  }

  @Test
  void portDescriptions() {
    List<byte[]> ports = new ArrayList<>();
    for (byte[] message : SESSION) {
      if (Frames.type(message) == Ofp.OFPT_MULTIPART_REPLY
          && Frames.uint16(message, 8) == Ofp.OFPMP_PORT_DESC) {
        ports.add(Arrays.copyOfRange(message, 16, message.length));
      }
    }
    Fuzz.run(
        10_000,
        mutator ->
            decode(mutator.spoil(mutator.someOf(ports), ENTRIES), PortDescription::decodeAll));
  }

  @Test
  void errors() {
    Fuzz.run(
        10_000,
        mutator -> {
          int[] experimenters = {Ofp.ONF_EXPERIMENTER_ID, Ofp.NX_VENDOR_ID, mutator.below(1000)};
          SwitchError error =
              new SwitchError(
                  1,
                  mutator.below(4) == 0 ? 0xffff : mutator.below(20),
                  mutator.below(mutator.below(2) == 0 ? 0x10000 : 32),
                  experimenters[mutator.below(3)]);
          assertThat(ErrorText.of(error)).isNotBlank();
        });
  }

  /** Whole messages, several at once and in pieces, through the framing. */
  @Test
  void streams() {
    Fuzz.run(
        3_000,
        mutator -> {
          byte[] stream = {};
          for (int i = mutator.below(4); i >= 0; i--) {
            byte[] message =
                mutator.below(3) == 0
                    ? Frames.part(1, Ofp.OFPMP_FLOW, false, mutator.someOf(ENTRIES))
                    : mutator.oneOf(SESSION);
            stream = Bytes.concat(stream, message);
          }
          stream = mutator.spoil(stream, SESSION);
          try (InboundPipeline pipeline = new InboundPipeline()) {
            int at = 0;
            while (at < stream.length) {
              int end = Math.min(stream.length, at + 1 + mutator.below(stream.length));
              pipeline.receive(Arrays.copyOfRange(stream, at, end)).forEach(this::read);
              at = end;
            }
          }
        });
  }

  private void read(DataObject message) {
    if (message instanceof MultipartPart part) {
      byte[] body = new byte[part.body().readableBytes()];
      part.body().readBytes(body);
      switch (part.type()) {
        case Ofp.OFPMP_FLOW -> decode(body, in -> FlowDecoder.decode(in, entry -> {}));
        case Ofp.OFPMP_PORT_DESC -> decode(body, PortDescription::decodeAll);
        default -> {}
      }
    } else if (message instanceof Incoming.Broken(String reason)) {
      assertThat(reason).isNotBlank();
    }
  }

  /** Decodes; returns whether that went well, or else has checked that the reason is one. */
  private static boolean decode(byte[] bytes, Consumer<ByteBuf> decoder) {
    long limit = 4_096 + 32L * bytes.length;
    Decoding first = Decoding.of(bytes, decoder);
    // What a class costs when it is used first is not the message's.
    long allocated =
        first.allocated() > limit ? Decoding.of(bytes, decoder).allocated() : first.allocated();
    assertThat(allocated).isLessThan(limit);
    if (!first.reason().isEmpty()) {
      assertThat(first.reason()).containsPattern("^(of[p_]|oxm)");
    }
    return first.reason().isEmpty();
  }

  /**
   * One call of a decoder.
   *
   * @param reason why there was no end to it, or empty
   * @param allocated bytes
   */
  private record Decoding(String reason, long allocated) {
    static Decoding of(byte[] bytes, Consumer<ByteBuf> decoder) {
      ByteBuf in = Unpooled.wrappedBuffer(bytes);
      String reason = "";
      long before = THREADS.getCurrentThreadAllocatedBytes();
      try {
        decoder.accept(in);
      } catch (MalformedException e) {
        reason = e.getMessage();
      }
      return new Decoding(reason, THREADS.getCurrentThreadAllocatedBytes() - before);
    }
  }
}
