// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import com.google.common.collect.ImmutableList;
import io.flowmirror.controller.transport.Endpoint;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/**
 * A whole connection, from its hello to rounds of changes, with a switch some of whose messages are
 * spoilt. It goes on, or it is given up for a reason that is the switch's; nothing is thrown.
 */
class ConnectionFuzzTest {
  private static final Codecs CODECS = new Codecs();
  private static final ImmutableList<byte[]> SESSION = Corpus.messages(Corpus.SESSION);
  private static final OpenFlowOptions OPTIONS =
      OpenFlowOptions.of("node", Endpoint.unix(Path.of("/nowhere")));

  private static final Logger LOG = (Logger) LoggerFactory.getLogger(LiveDatapath.class);

  private static FakeSwitch fake;

  @BeforeAll
  static void start() {
    fake = new FakeSwitch();
    LOG.setLevel(Level.OFF);
  }

  @AfterAll
  static void stop() {
    LOG.setLevel(null);
    fake.close();
  }

  @Test
  void spoiltRepliesAndMore() {
    Fuzz.run(600, mutator -> new Peer(mutator).run());
  }

  /** So that what is spoilt is spoilt after something has been right. */
  @Test
  void getsFarWhenNothingIsSpoilt() {
    Peer peer = new Peer(null);
    peer.run();
    assertThat(peer.states).contains(OpenFlowSession.State.LIVE);
    assertThat(peer.reasons).isEmpty();
    assertThat(peer.rounds).isGreaterThan(3);
  }

  /** The switch's side. */
  private static final class Peer {
    private static final int STEPS = 60;

    private final Mutator mutator;
    private final List<Object> states = new ArrayList<>();
    private final List<String> reasons = new ArrayList<>();
    private final EmbeddedChannel channel = new EmbeddedChannel();
    private final LiveDatapath datapath;
    private long rounds;
    private boolean over;

    Peer(Mutator mutator) {
      this.mutator = mutator;
      LiveDatapath.Owner owner =
          (LiveDatapath.Owner)
              Proxy.newProxyInstance(
                  getClass().getClassLoader(),
                  new Class<?>[] {LiveDatapath.Owner.class},
                  (proxy, method, arguments) -> tell(method.getName(), arguments[0]));
      datapath = new LiveDatapath(1, OPTIONS, channel, CODECS, owner);
    }

    private Object tell(String method, Object what) {
      switch (method) {
        case "onState" -> states.add(what);
        case "onReport" -> rounds = Math.max(rounds, ((DatapathReport) what).round());
        case "afterReports" -> ((Runnable) what).run();
        default -> {
          if (!over) {
            reasons.add((String) what);
          }
        }
      }
      return null;
    }

    void run() {
      datapath.start();
      for (int step = 0; step < STEPS && channel.isOpen(); step++) {
        ByteBuf written = channel.readOutbound();
        if (written == null) {
          next(step);
        } else {
          byte[] message = ByteBufUtil.getBytes(written);
          written.release();
          answers(message).forEach(answer -> send(answer, 16));
        }
      }
      channel.checkException();
      for (String reason : reasons) {
        assertThat(reason).isNotBlank().doesNotContain("a fault of ours");
      }
      assertThat(channel.isOpen()).isEqualTo(reasons.isEmpty());
      over = true;
      channel.finishAndReleaseAll();
    }

    /** Nothing is being waited for: something to do, and something unasked. */
    private void next(int step) {
      datapath.apply(
          rounds + 1,
          ImmutableList.of(
              Entries.add(Entries.e1(step, 9)),
              Entries.add(Entries.e2(65, 3, step, 9)),
              Entries.delete(Entries.e0(step))),
          step % 2 == 0);
      if (mutator != null) {
        send(mutator.oneOf(SESSION), 3);
      }
    }

    /** Sends a message; one of so many is spoilt. */
    private void send(byte[] message, int oneOf) {
      if (channel.isOpen()) {
        boolean spoilt = mutator != null && mutator.below(oneOf) == 0;
        byte[] sent = spoilt ? mutator.spoil(message, SESSION) : message;
        channel.writeInbound(Unpooled.wrappedBuffer(sent));
      }
    }

    private static List<byte[]> answers(byte[] message) {
      int xid = Frames.xid(message);
      if (Frames.type(message) == Ofp.OFPT_MULTIPART_REQUEST
          && Frames.uint16(message, 8) == Ofp.OFPMP_FLOW) {
        String file = message[16] == 0 ? "ovn-23.03-table0.bin" : "ovn-23.03-output4.bin";
        byte[] entries = ByteBufUtil.getBytes(Entries.captured(file));
        return List.of(
            Frames.part(xid, Ofp.OFPMP_FLOW, true, entries),
            Frames.part(xid, Ofp.OFPMP_FLOW, false));
      }
      for (byte[] recorded : SESSION) {
        if (Frames.type(recorded) == Ofp.OFPT_MULTIPART_REPLY
            && Frames.type(message) == Ofp.OFPT_MULTIPART_REQUEST
            && Frames.uint16(recorded, 8) == Frames.uint16(message, 8)
            && Frames.xid(recorded) != 0) {
          return List.of(ByteBuffer.wrap(recorded.clone()).putInt(4, xid).array());
        }
      }
      return fake.standard(message);
    }
  }
}
