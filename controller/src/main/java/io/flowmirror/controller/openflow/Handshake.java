// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import com.google.common.base.CharMatcher;
import io.flowmirror.controller.openflow.Incoming.Hello;
import io.flowmirror.controller.openflow.Requests.LostException;
import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.opendaylight.openflowjava.protocol.api.util.EncodeConstants;
import org.opendaylight.yang.gen.v1.urn.opendaylight.openflow.common.types.rev130731.HelloElementType;
import org.opendaylight.yang.gen.v1.urn.opendaylight.openflow.protocol.rev130731.BarrierInputBuilder;
import org.opendaylight.yang.gen.v1.urn.opendaylight.openflow.protocol.rev130731.BarrierOutput;
import org.opendaylight.yang.gen.v1.urn.opendaylight.openflow.protocol.rev130731.GetConfigInputBuilder;
import org.opendaylight.yang.gen.v1.urn.opendaylight.openflow.protocol.rev130731.GetConfigOutput;
import org.opendaylight.yang.gen.v1.urn.opendaylight.openflow.protocol.rev130731.GetFeaturesInputBuilder;
import org.opendaylight.yang.gen.v1.urn.opendaylight.openflow.protocol.rev130731.GetFeaturesOutput;
import org.opendaylight.yang.gen.v1.urn.opendaylight.openflow.protocol.rev130731.HelloInputBuilder;
import org.opendaylight.yang.gen.v1.urn.opendaylight.openflow.protocol.rev130731.SetConfigInputBuilder;
import org.opendaylight.yang.gen.v1.urn.opendaylight.openflow.protocol.rev130731.hello.Elements;
import org.opendaylight.yang.gen.v1.urn.opendaylight.openflow.protocol.rev130731.hello.ElementsBuilder;
import org.opendaylight.yangtools.yang.common.Uint16;
import org.opendaylight.yangtools.yang.common.Uint32;

/**
 * From a new connection to one that gets every asynchronous message, without a change to the switch
 * that anybody else could notice: no role is asked for, and the switch's configuration flags, which
 * hold for the whole bridge, are sent back as they were read.
 */
final class Handshake {

  /** What the handshake has learnt. */
  record Greeting(long dpid, String switchVersion, List<PortDescription> ports) {}

  /** Without it a service connection gets no asynchronous message (ofproto/connmgr.c). */
  private static final Uint16 MISS_SEND_LEN = Uint16.valueOf(128);

  private static final int DESC_BYTES = 1056;
  private static final CharMatcher PRINTABLE = CharMatcher.inRange(' ', '~');

  private final Connection connection;
  private final Consumer<OpenFlowSession.State> states;
  private long dpid;
  private String hardware = "";
  private String switchVersion = "";
  private final List<PortDescription> ports = new ArrayList<>();

  /**
   * Prepares a handshake.
   *
   * @param states is told which step is being made
   */
  Handshake(Connection connection, Consumer<OpenFlowSession.State> states) {
    this.connection = connection;
    this.states = states;
  }

  /** Makes all steps; the future fails with a reason in words. */
  CompletableFuture<Greeting> run() {
    return hello()
        .thenCompose(done -> features())
        .thenCompose(done -> description())
        .thenCompose(done -> configuration())
        .thenCompose(done -> portDescription())
        .thenApply(done -> new Greeting(dpid, switchVersion, ports));
  }

  private CompletableFuture<?> hello() {
    states.accept(OpenFlowSession.State.HELLO);
    List<Boolean> versions = new ArrayList<>(Collections.nCopies(32, false));
    versions.set(Ofp.VERSION_13, true);
    Elements bitmap =
        new ElementsBuilder()
            .setType(HelloElementType.VERSIONBITMAP)
            .setVersionBitmap(versions)
            .build();
    connection.send(
        new HelloInputBuilder()
            .setVersion(EncodeConstants.OF_VERSION_1_3)
            .setXid(xid())
            .setElements(List.of(bitmap))
            .build());
    return connection
        .hello()
        .thenAccept(
            hello -> {
              if (!speaks13(hello)) {
                throw new LostException("the switch does not speak OpenFlow 1.3");
              }
            });
  }

  /** Section 6.3.1: the bitmaps decide, or else the lower of both header versions. */
  private static boolean speaks13(Hello hello) {
    return hello.bitmap().isPresent()
        ? (hello.bitmap().getAsInt() & 1 << Ofp.VERSION_13) != 0
        : hello.version() >= Ofp.VERSION_13;
  }

  private CompletableFuture<?> features() {
    states.accept(OpenFlowSession.State.FEATURES);
    return connection
        .request(
            new GetFeaturesInputBuilder()
                .setVersion(EncodeConstants.OF_VERSION_1_3)
                .setXid(xid())
                .build(),
            "OFPT_FEATURES_REQUEST",
            GetFeaturesOutput.class)
        .thenAccept(reply -> dpid = reply.getDatapathId().longValue());
  }

  private CompletableFuture<?> description() {
    states.accept(OpenFlowSession.State.DESCRIPTION);
    return connection
        .requestParts(
            Outgoing.multipart(connection.nextXid(), Ofp.OFPMP_DESC),
            "OFPMP_DESC",
            Multipart.DESC,
            in -> {
              // struct ofp_desc (section 7.3.5.1): mfr_desc, hw_desc, sw_desc, ...
              MalformedException.checkedLength(
                  "ofp_desc", DESC_BYTES, DESC_BYTES, in.readableBytes());
              in.skipBytes(256);
              hardware = text(in);
              switchVersion = text(in);
            })
        .thenAccept(
            reply ->
                SwitchVersion.refusal(hardware, switchVersion)
                    .ifPresent(
                        reason -> {
                          throw new LostException(reason);
                        }));
  }

  /** It is printed, so nothing that is not text may be in it. */
  private static String text(ByteBuf in) {
    byte[] field = new byte[256];
    in.readBytes(field);
    return PRINTABLE.negate().replaceFrom(PortDescription.text(field), '?');
  }

  private CompletableFuture<?> configuration() {
    states.accept(OpenFlowSession.State.CONFIGURATION);
    return connection
        .request(
            new GetConfigInputBuilder()
                .setVersion(EncodeConstants.OF_VERSION_1_3)
                .setXid(xid())
                .build(),
            "OFPT_GET_CONFIG_REQUEST",
            GetConfigOutput.class)
        .thenCompose(this::configure);
  }

  private CompletableFuture<?> configure(GetConfigOutput present) {
    if (present.getFlags() == null) {
      throw new LostException("OFPT_GET_CONFIG_REPLY has flags that cannot be sent back");
    }
    if (present.getMissSendLen().toJava() == 0) {
      connection.send(
          new SetConfigInputBuilder()
              .setVersion(EncodeConstants.OF_VERSION_1_3)
              .setXid(xid())
              .setFlags(present.getFlags())
              .setMissSendLen(MISS_SEND_LEN)
              .build());
    }
    connection.send(Outgoing.setAsync(connection.nextXid()));
    // Neither has a reply; the barrier's comes after any error of theirs.
    return barrier(connection);
  }

  /** OFPT_BARRIER_REQUEST (section 7.3.8). */
  static CompletableFuture<BarrierOutput> barrier(Connection connection) {
    return connection.request(
        new BarrierInputBuilder()
            .setVersion(EncodeConstants.OF_VERSION_1_3)
            .setXid(Uint32.fromIntBits(connection.nextXid()))
            .build(),
        "OFPT_BARRIER_REQUEST",
        BarrierOutput.class);
  }

  private CompletableFuture<?> portDescription() {
    states.accept(OpenFlowSession.State.PORTS);
    return connection.requestParts(
        Outgoing.multipart(connection.nextXid(), Ofp.OFPMP_PORT_DESC),
        "OFPMP_PORT_DESC",
        Multipart.PORT_DESC,
        in -> ports.addAll(PortDescription.decodeAll(in)));
  }

  private Uint32 xid() {
    return Uint32.fromIntBits(connection.nextXid());
  }
}
