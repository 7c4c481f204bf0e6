// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import static io.flowmirror.controller.openflow.FakeSwitch.BARRIER_REQUEST;
import static io.flowmirror.controller.openflow.FakeSwitch.FEATURES_REQUEST;
import static io.flowmirror.controller.openflow.FakeSwitch.GET_CONFIG_REQUEST;
import static io.flowmirror.controller.openflow.FakeSwitch.HANG_UP;
import static io.flowmirror.controller.openflow.FakeSwitch.HELLO;
import static io.flowmirror.controller.openflow.FakeSwitch.MULTIPART_REQUEST;
import static io.flowmirror.controller.openflow.FakeSwitch.RESET;
import static io.flowmirror.controller.openflow.FakeSwitch.SHUT_DOWN_OUTPUT;
import static io.flowmirror.controller.openflow.FakeSwitch.STOP_READING;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.util.regex.Pattern.quote;

import com.google.common.collect.ImmutableMap;
import com.google.common.collect.Iterables;
import com.google.common.primitives.Bytes;
import com.google.common.primitives.Ints;
import io.flowmirror.flows.Action;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.Match;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/**
 * What a switch does that it should not, and why a session closes the connection for it.
 *
 * @param does what it does, read after "a switch that"
 * @param mute whether nothing but time shows it, so that a session is best given little of it
 * @param unixOnly whether it takes the small buffers of a unix socket
 * @param told makes a fake switch do it
 * @param reason the session's reason, as a pattern
 */
record HostilePeer(
    String does, boolean mute, boolean unixOnly, Consumer<FakeSwitch> told, Pattern reason) {
  /** The one reason that depends on who notices first. */
  private static final String GONE =
      "the switch closed the connection|connection failed: .*|write failed: .*";

  private static final int XID = 77;

  /** An entry that no reading keeps. */
  private static final FlowEntry OVNS =
      Entries.entry(0, 5, Match.ANY, 0x12, new Action.Resubmit(8));

  /** One that is nobody's, in a table that is never asked for. */
  private static final FlowEntry ELSEWHERE =
      Entries.entry(7, 5, Match.ANY, 0x12, new Action.Resubmit(8));

  @Override
  public String toString() {
    return does;
  }

  /** All of them. */
  static List<HostilePeer> all() {
    List<HostilePeer> all = new ArrayList<>(quick());
    all.addAll(slow());
    return all;
  }

  /** Those that are found out by a message or two. */
  static List<HostilePeer> quick() {
    List<HostilePeer> quick = new ArrayList<>(leavers());
    quick.addAll(wrongHellos());
    quick.addAll(wrongHeaders());
    quick.addAll(wrongBodies());
    quick.addAll(wrongAnswers());
    return quick;
  }

  /** Those that are found out by time, or by how much they send. */
  static List<HostilePeer> slow() {
    List<HostilePeer> slow = new ArrayList<>(endless());
    slow.addAll(flooders());
    slow.addAll(mutes());
    return slow;
  }

  /** Those that hang up, in each step of the handshake. */
  static List<HostilePeer> leavers() {
    return List.of(
        gone("hangs up at once", fake -> fake.onConnect(() -> List.of(HANG_UP))),
        gone("resets at once", fake -> fake.onConnect(() -> List.of(RESET))),
        gone("says no more at once", fake -> fake.onConnect(() -> List.of(SHUT_DOWN_OUTPUT))),
        gone("hangs up at our hello", answers(HELLO, HANG_UP)),
        gone("hangs up when asked for its features", answers(FEATURES_REQUEST, HANG_UP)),
        gone("resets when asked for its features", answers(FEATURES_REQUEST, RESET)),
        gone("says no more instead of its features", answers(FEATURES_REQUEST, SHUT_DOWN_OUTPUT)),
        gone("hangs up when asked what it is", answersPart(Ofp.OFPMP_DESC, xid -> HANG_UP)),
        gone("hangs up when asked for its config", answers(GET_CONFIG_REQUEST, HANG_UP)),
        gone("hangs up when asked for a barrier", answers(BARRIER_REQUEST, HANG_UP)),
        gone("hangs up when asked for its ports", answersPart(Ofp.OFPMP_PORT_DESC, xid -> HANG_UP)),
        gone("hangs up when asked for entries", answersPart(Ofp.OFPMP_FLOW, xid -> HANG_UP)),
        gone("hangs up once all is well", onceUp(HANG_UP)));
  }

  /** Hellos. */
  static List<HostilePeer> wrongHellos() {
    return List.of(
        peer(
            "speaks OpenFlow 1.0 only",
            answers(HELLO, new byte[] {1, 0, 0, 8, 0, 0, 0, 1}),
            "the switch does not speak OpenFlow 1.3"),
        peer(
            "speaks a version that nobody knows",
            answers(HELLO, new byte[] {3, 0, 0, 8, 0, 0, 0, 1}),
            "the switch does not speak OpenFlow 1.3"),
        peer(
            "says hello in version 1.5 and names 1.0 only",
            answers(HELLO, new byte[] {6, 0, 0, 16, 0, 0, 0, 1, 0, 1, 0, 8, 0, 0, 0, 2}),
            "the switch does not speak OpenFlow 1.3"),
        peer(
            "has a hello element of length 0",
            answers(HELLO, Frames.message(HELLO, 1, bytes(0, 1, 0, 0, 0, 0, 0, 0x10))),
            "malformed message: ofp_hello_elem_header.length is 0, less than 8"),
        peer(
            "has a hello element of length 3",
            answers(HELLO, Frames.message(HELLO, 1, bytes(0, 9, 0, 3))),
            "malformed message: ofp_hello_elem_header.length is 3, less than 4"),
        peer(
            "has a version bitmap without versions",
            answers(HELLO, Frames.message(HELLO, 1, bytes(0, 1, 0, 4, 0, 0, 0, 0))),
            "malformed message: ofp_hello_elem_header.length is 4, less than 8"),
        peer(
            "has a hello element that is longer than its hello",
            answers(HELLO, Frames.message(HELLO, 1, bytes(0, 1, 0xff, 0xff, 0, 0, 0, 0x10))),
            "malformed message: ofp_hello_elem_header.length is 65535, and 8 bytes are left"),
        peer(
            "has half a hello element",
            answers(HELLO, Frames.message(HELLO, 1, bytes(0, 1))),
            "malformed message: ofp_hello_elem_header is 4, and 2 bytes are left"),
        peer(
            "refuses our hello",
            answers(HELLO, Frames.error(XID, 0, 0)),
            "the switch refused the handshake:"
                + " OFPET_HELLO_FAILED/OFPHFC_INCOMPATIBLE for message 77"),
        peer(
            "says hello twice",
            onceUp(Frames.message(HELLO, XID)),
            "the switch sent a second OFPT_HELLO"),
        peer(
            "says something else before its hello",
            fake -> fake.onConnect(() -> List.of(Frames.message(6, XID, new byte[24]))),
            "the switch sent OFPT_FEATURES_REPLY before OFPT_HELLO"));
  }

  /** Headers. */
  static List<HostilePeer> wrongHeaders() {
    return List.of(
        peer(
            "has a length of 0",
            onceUp(new byte[] {4, 2, 0, 0, 0, 0, 0, 0}),
            "malformed message: ofp_header.length is 0, less than 8"),
        peer(
            "has a length of 7",
            onceUp(new byte[] {4, 2, 0, 7, 0, 0, 0, 0}),
            "malformed message: ofp_header.length is 7, less than 8"),
        peer(
            "changes the version",
            onceUp(new byte[] {6, 2, 0, 8, 0, 0, 0, 0}),
            "malformed message: ofp_header.version is 6 in OFPT_ECHO_REQUEST"),
        peer(
            "talks HTTP",
            fake ->
                fake.onConnect(
                    () -> List.of("HTTP/1.1 400 Bad Request\r\n\r\n".getBytes(US_ASCII))),
            "malformed message: ofp_header.version is 72 in a message of type 84"),
        peer(
            "sends what only a controller sends",
            onceUp(Frames.message(Ofp.OFPT_FLOW_MOD, XID, new byte[48])),
            "the switch sent OFPT_FLOW_MOD, which no switch sends"),
        peer(
            "sends a type of OpenFlow 1.4",
            onceUp(Frames.message(30, XID, new byte[16])),
            "the switch sent a message of type 30, which no switch sends"),
        peer(
            "sends a type that nobody knows",
            onceUp(Frames.message(255, XID)),
            "the switch sent a message of type 255, which no switch sends"));
  }

  /** What comes behind a header that is right. */
  static List<HostilePeer> wrongBodies() {
    return List.of(
        peer(
            "cuts its features short",
            answers(FEATURES_REQUEST, xid -> Frames.message(6, xid, new byte[23])),
            "malformed message: OFPT_FEATURES_REPLY has 31 bytes, not 32"),
        peer(
            "has no config in its config",
            answers(GET_CONFIG_REQUEST, xid -> Frames.message(8, xid)),
            "malformed message: OFPT_GET_CONFIG_REPLY has 8 bytes, not 12"),
        peer(
            "has flags that nobody knows",
            answers(GET_CONFIG_REQUEST, xid -> Frames.message(8, xid, bytes(0, 99, 0, 0))),
            "OFPT_GET_CONFIG_REPLY has flags that cannot be sent back"),
        peer(
            "has a body in its barrier",
            answers(BARRIER_REQUEST, xid -> Frames.message(21, xid, new byte[1000])),
            "malformed message: OFPT_BARRIER_REPLY has 1008 bytes, not 8"),
        peer(
            "does not say what it is",
            answersPart(Ofp.OFPMP_DESC, xid -> Frames.part(xid, Ofp.OFPMP_DESC, false)),
            "malformed message: ofp_desc is 1056, and 0 bytes are left"),
        peer(
            "writes lines of its own into the log",
            fake -> fake.version("1.0\n\u001b[2J2026-01-01 ERROR: all is lost"),
            "Open vSwitch 1.0??[2J2026-01-01 ERROR: all is lost is older than 2.17,"
                + " the oldest that is supported"),
        peer(
            "has half a port",
            answersPart(
                Ofp.OFPMP_PORT_DESC,
                xid -> Frames.part(xid, Ofp.OFPMP_PORT_DESC, false, new byte[96])),
            "malformed message: ofp_port is 64, and 32 bytes are left"),
        peer(
            "has an entry of length 0",
            answersPart(
                Ofp.OFPMP_FLOW, xid -> Frames.part(xid, Ofp.OFPMP_FLOW, false, new byte[64])),
            "malformed message: ofp_flow_stats.length is 0, less than 56"),
        peer(
            "has an entry that is longer than its message",
            answersPart(
                Ofp.OFPMP_FLOW,
                xid -> {
                  byte[] entry = ByteBuffer.allocate(64).putShort((short) 65).array();
                  return Frames.part(xid, Ofp.OFPMP_FLOW, false, entry);
                }),
            "malformed message: ofp_flow_stats.length is 65, and 64 bytes are left"),
        peer(
            "has half an error",
            onceUp(Frames.message(Ofp.OFPT_ERROR, XID, bytes(0, 1))),
            "malformed message: OFPT_ERROR has 10 bytes, less than 12"),
        peer(
            "has an experimenter without a number",
            onceUp(Frames.message(Ofp.OFPT_EXPERIMENTER, XID, bytes(0, 0, 0x23, 0x20))),
            "malformed message: OFPT_EXPERIMENTER has 12 bytes, less than 16"),
        peer(
            "has half a bundle control",
            onceUp(
                Frames.message(
                    Ofp.OFPT_EXPERIMENTER, XID, bytes(0x4f, 0x4e, 0x46, 0, 0, 0, 0x08, 0xfc))),
            "malformed message: a length within OFPT_EXPERIMENTER is too large"),
        peer(
            "has a multipart reply without a type",
            onceUp(Frames.message(Ofp.OFPT_MULTIPART_REPLY, XID)),
            "malformed message: OFPT_MULTIPART_REPLY has 8 bytes, less than 16"),
        peer(
            "has a port status without a port",
            onceUp(Frames.message(Ofp.OFPT_PORT_STATUS, 0, new byte[8])),
            "malformed message: OFPT_PORT_STATUS has 16 bytes, not 80"),
        peer(
            "has a flow removed without a flow",
            onceUp(Frames.message(Ofp.OFPT_FLOW_REMOVED, 0, new byte[8])),
            "malformed message: OFPT_FLOW_REMOVED has 16 bytes, less than 56"),
        peer(
            "has a flow update of length 0",
            onceUp(flowUpdate(bytes(0, 0, 0, 0))),
            "malformed message: onf_flow_update_header.length is 0, less than 4"),
        peer(
            "has a flow update that is longer than its message",
            onceUp(flowUpdate(bytes(0, 9, 0, 0))),
            "malformed message: onf_flow_update_header.length is 9, and 4 bytes are left"));
  }

  /** Answers to something else than was asked. */
  static List<HostilePeer> wrongAnswers() {
    return List.of(
        peer(
            "answers with a barrier when asked for its features",
            answers(FEATURES_REQUEST, xid -> Frames.message(21, xid)),
            "the switch answered OFPT_FEATURES_REQUEST with a reply to something else"),
        peer(
            "answers with a multipart reply when asked for a barrier",
            answers(BARRIER_REQUEST, xid -> Frames.part(xid, Ofp.OFPMP_DESC, false)),
            "the switch answered OFPT_BARRIER_REQUEST with a part of multipart type 0"),
        peer(
            "answers with a barrier when asked for its ports",
            answersPart(Ofp.OFPMP_PORT_DESC, xid -> Frames.message(21, xid)),
            "the switch answered OFPMP_PORT_DESC with a reply to something else"),
        peer(
            "answers with ports when asked for entries",
            answersPart(Ofp.OFPMP_FLOW, xid -> Frames.part(xid, Ofp.OFPMP_PORT_DESC, false)),
            "the switch answered OFPMP_FLOW of table 0 with a part of multipart type 13"),
        peer(
            "answers with entries of another table than was asked for",
            answersPart(
                Ofp.OFPMP_FLOW,
                xid -> Frames.part(xid, Ofp.OFPMP_FLOW, false, entries(ELSEWHERE, 1))),
            "an entry of table 7 in the reply to OFPMP_FLOW of table 0"),
        peer(
            "has an entry twice",
            answersPart(
                Ofp.OFPMP_FLOW,
                xid -> Frames.part(xid, Ofp.OFPMP_FLOW, false, entries(Entries.e1(1, 9), 2))),
            "an entry twice in the reply to OFPMP_FLOW of table 0:"
                + " table=0, priority=40000,metadata=0,in_port=1"),
        peer(
            "refuses a barrier",
            answers(BARRIER_REQUEST, xid -> Frames.error(xid, 1, 1)),
            "OFPT_BARRIER_REQUEST refused: OFPET_BAD_REQUEST/OFPBRC_BAD_TYPE"),
        peer(
            "refuses to tell its entries",
            answersPart(Ofp.OFPMP_FLOW, xid -> Frames.error(xid, 1, 5)),
            "OFPMP_FLOW of table 0 refused: OFPET_BAD_REQUEST/OFPBRC_EPERM"));
  }

  /** Multipart replies without end; see {@link HostileSwitchTest} for the limits. */
  static List<HostilePeer> endless() {
    return List.of(
        peer(
            "says for ever what it is",
            endless(Ofp.OFPMP_DESC, new byte[1056]),
            "the reply to OFPMP_DESC exceeds 65536 bytes"),
        peer(
            "has ports without end",
            endless(Ofp.OFPMP_PORT_DESC, new byte[64 * 1000]),
            "the reply to OFPMP_PORT_DESC exceeds 8388608 bytes"),
        peer(
            "says without end that it has nothing to say",
            endless(Ofp.OFPMP_FLOW, new byte[0]),
            "the reply to OFPMP_FLOW of table 0 has more than 1000 empty parts"),
        peer(
            "has entries without end that concern nobody",
            endless(Ofp.OFPMP_FLOW, entries(OVNS, 300)),
            "the reply to OFPMP_FLOW of table 0 has no end within 500 ms"),
        peer(
            "has more entries than can be kept",
            endless(Ofp.OFPMP_FLOW, entries(Entries.e1(1, 9), 300)),
            "more than 1000 entries to keep, up to OFPMP_FLOW of table 0"));
  }

  /** Those that send more than any switch has to say. */
  static List<HostilePeer> flooders() {
    return List.of(
        floods(
            "packets", Frames.message(Ofp.OFPT_PACKET_IN, 0, new byte[60]), "10000 OFPT_PACKET_IN"),
        floods(
            "echo requests",
            Frames.message(Ofp.OFPT_ECHO_REQUEST, XID),
            "100000 OFPT_ECHO_REQUEST"),
        floods(
            "barriers that nobody asked for",
            Frames.message(Ofp.OFPT_BARRIER_REPLY, -1),
            "10000 replies to no request"),
        floods(
            "parts of a reply to nothing",
            Frames.part(-1, Ofp.OFPMP_FLOW, true),
            "10000 replies to no request"),
        floods(
            "replies to what is never asked",
            Frames.message(Ofp.OFPT_ROLE_REPLY, -1, new byte[16]),
            "10000 replies to no request"),
        floods("errors", Frames.error(-1, 1, 1), "10000 OFPT_ERROR"),
        floods(
            "messages of an experimenter",
            Frames.message(Ofp.OFPT_EXPERIMENTER, 0, new byte[8]),
            "10000 OFPT_EXPERIMENTER"),
        peer(
            "asks for large echoes and does not read them",
            onceUp(
                Iterables.cycle(
                    List.of(Frames.message(Ofp.OFPT_ECHO_REQUEST, XID, new byte[60_000])))),
            "the switch does not read: more than 4194304 bytes wait for it"));
  }

  /** Those that send without end what a switch may send much of. */
  static List<HostilePeer> torrents() {
    return List.of(
        floods("port status", portStatus(5), "1000000 OFPT_PORT_STATUS"),
        floods("flow removed", flowRemoved(), "1000000 OFPT_FLOW_REMOVED"),
        floods("flow updates", flowUpdate(), "1000000 messages of the flow monitor"));
  }

  /** Those that only time finds out. */
  static List<HostilePeer> mutes() {
    return List.of(
        mute("says nothing", answers(HELLO), quote("no OFPT_HELLO within 300 ms")),
        mute(
            "sends half a header",
            answers(HELLO, bytes(4, 0, 0)),
            quote("no OFPT_HELLO within 300 ms, having stopped after 3 bytes of an ofp_header")),
        mute(
            "stops in the middle of a message",
            answers(FEATURES_REQUEST, bytes(4, 6, 0, 32, 0, 0, 0, 2, 0, 0)),
            quote(
                "no reply to OFPT_FEATURES_REQUEST within 300 ms,"
                    + " having stopped after 10 bytes of a message of 32")),
        mute(
            "sends a byte every now and then",
            fake ->
                fake.on(
                    FEATURES_REQUEST, m -> slowly(inBytes(Frames.message(2, 0, new byte[5000])))),
            "no reply to OFPT_FEATURES_REQUEST within 300 ms,"
                + " having stopped after [0-9]+ bytes of .*"),
        mute(
            "does not tell its features",
            answers(FEATURES_REQUEST),
            quote("no reply to OFPT_FEATURES_REQUEST within 300 ms")),
        mute(
            "does not tell its ports",
            answersPart(Ofp.OFPMP_PORT_DESC),
            quote("no reply to OFPMP_PORT_DESC within 300 ms")),
        mute(
            "withholds the barrier",
            answers(BARRIER_REQUEST),
            quote("no reply to OFPT_BARRIER_REQUEST within 300 ms")),
        mute(
            "stops within its entries",
            answersPart(Ofp.OFPMP_FLOW, xid -> Frames.part(xid, Ofp.OFPMP_FLOW, true)),
            quote("no reply to OFPMP_FLOW of table 0 within 300 ms")),
        new HostilePeer(
            "reads nothing and goes on talking",
            true,
            true,
            onceUp(
                Iterables.concat(
                    Collections.nCopies(
                        60, Frames.message(Ofp.OFPT_ECHO_REQUEST, XID, new byte[60_000])),
                    slowly(Collections.nCopies(1000, Frames.message(Ofp.OFPT_PACKET_IN, 0))))),
            Pattern.compile("the switch does not read: what was written waits for 300 ms")),
        mute(
            "reads nothing once all is well",
            onceUp(STOP_READING),
            quote("no reply to OFPT_ECHO_REQUEST within 300 ms")));
  }

  /** Those that are only found out by a round of changes. */
  static List<HostilePeer> rounds() {
    return List.of(
        mute(
            "does not open a bundle",
            onBundle(Ofp.OFPBCT_OPEN_REQUEST, (fake, message) -> List.of()),
            quote("no reply to OFPBCT_OPEN_REQUEST within 300 ms")),
        mute(
            "withholds a round's barriers",
            answers(BARRIER_REQUEST),
            quote("no reply to OFPT_BARRIER_REQUEST within 300 ms")),
        mute(
            "does not commit",
            onBundle(Ofp.OFPBCT_COMMIT_REQUEST, (fake, message) -> List.of()),
            quote("no reply to OFPBCT_COMMIT_REQUEST within 300 ms")),
        gone(
            "hangs up instead of committing",
            onBundle(Ofp.OFPBCT_COMMIT_REQUEST, (fake, message) -> List.of(HANG_UP))),
        peer(
            "answers a commit with a barrier",
            onBundle(
                Ofp.OFPBCT_COMMIT_REQUEST,
                (fake, message) -> List.of(Frames.message(21, Frames.xid(message)))),
            "the switch answered OFPBCT_COMMIT_REQUEST with a reply to something else"),
        mute(
            "commits another bundle",
            onBundle(
                Ofp.OFPBCT_COMMIT_REQUEST,
                (fake, message) -> {
                  byte[] reply = fake.standard(message).get(0);
                  ByteBuffer.wrap(reply).putInt(16, 99);
                  return List.of(reply);
                }),
            "the switch answered OFPBCT_COMMIT_REQUEST of bundle [0-9]+ with type 5 of bundle 99"),
        mute(
            "answers a commit with the opening",
            onBundle(
                Ofp.OFPBCT_COMMIT_REQUEST,
                (fake, message) -> {
                  byte[] reply = fake.standard(message).get(0);
                  ByteBuffer.wrap(reply).putShort(20, (short) 1);
                  return List.of(reply);
                }),
            "the switch answered OFPBCT_COMMIT_REQUEST of bundle ([0-9]+) with type 1 of bundle"
                + " \\1"),
        peer(
            "refuses one change without end",
            fake ->
                fake.on(
                    FakeSwitch.EXPERIMENTER,
                    message ->
                        Frames.int32(message, 12) == Ofp.ONF_BUNDLE_ADD_MESSAGE
                            ? Iterables.cycle(List.of(Frames.error(Frames.xid(message), 5, 1)))
                            : fake.standard(message)),
            "the switch floods: more than 10000 OFPT_ERROR within 10 s"));
  }

  /** What is unusual, and no reason to close a connection. */
  static ImmutableMap<String, Consumer<FakeSwitch>> oddities() {
    return ImmutableMap.<String, Consumer<FakeSwitch>>builder()
        .put(
            "says hello in version 1.5 and names 1.3 too",
            answers(HELLO, new byte[] {6, 0, 0, 16, 0, 0, 0, 1, 0, 1, 0, 8, 0, 0, 0, 0x70}))
        .put(
            "says hello in a version of the future",
            answers(HELLO, new byte[] {99, 0, 0, 8, 0, 0, 0, 1}))
        .put(
            "names 64 versions, and leaves the padding out",
            answers(HELLO, Frames.message(HELLO, 1, bytes(0, 1, 0, 12, 0, 0, 0, 0x10, 0, 0, 0, 0))))
        .put(
            "has a hello element that nobody knows",
            answers(
                HELLO,
                Frames.message(HELLO, 1, bytes(0, 9, 0, 5, 1, 0, 0, 0, 0, 1, 0, 8, 0, 0, 0, 0x10))))
        .put(
            "asks for an echo before its hello",
            fake -> fake.onConnect(() -> List.of(Frames.message(Ofp.OFPT_ECHO_REQUEST, XID))))
        .put(
            "sends all in single bytes",
            fake -> fake.on(FEATURES_REQUEST, message -> inBytes(fake.standard(message).get(0))))
        .put("answers what nobody asked", onceUp(Frames.message(21, -1)))
        .put("has a part for nobody", onceUp(Frames.part(-1, Ofp.OFPMP_FLOW, false, new byte[5])))
        .put("has an error for nobody", onceUp(Frames.error(-1, 7, 4)))
        .put("tells a role", onceUp(Frames.message(Ofp.OFPT_ROLE_REPLY, -1, new byte[16])))
        .put("sends a packet", onceUp(Frames.message(Ofp.OFPT_PACKET_IN, 0, new byte[60])))
        .put(
            "has an experimenter that nobody knows",
            onceUp(Frames.message(Ofp.OFPT_EXPERIMENTER, 0, new byte[100])))
        .put("deletes ports that it never had", onceUp(portStatus(5)))
        .put("deletes a port that can have no interface", onceUp(portStatus(-2)))
        .buildOrThrow();
  }

  private static HostilePeer peer(String does, Consumer<FakeSwitch> told, String reason) {
    return new HostilePeer(does, false, false, told, Pattern.compile(quote(reason)));
  }

  private static HostilePeer gone(String does, Consumer<FakeSwitch> told) {
    return new HostilePeer(does, false, false, told, Pattern.compile(GONE));
  }

  private static HostilePeer mute(String does, Consumer<FakeSwitch> told, String reason) {
    return new HostilePeer(does, true, false, told, Pattern.compile(reason));
  }

  private static HostilePeer floods(String with, byte[] message, String limit) {
    // Many to a write, as fast as they can be taken.
    byte[] many =
        Bytes.concat(Collections.nCopies(60_000 / message.length, message).toArray(byte[][]::new));
    return peer(
        "floods with " + with,
        fake -> onceUp(fake, () -> fake.flood(many)),
        "the switch floods: more than " + limit + " within 10 s");
  }

  private interface Reply {
    byte[] to(int xid);
  }

  private static Consumer<FakeSwitch> answers(int type, Reply reply) {
    return fake -> fake.on(type, message -> List.of(reply.to(Frames.xid(message))));
  }

  private static Consumer<FakeSwitch> answers(int type, byte[]... messages) {
    return fake -> fake.on(type, message -> List.of(messages));
  }

  private static Consumer<FakeSwitch> answersPart(int multipart, Reply... replies) {
    return onMultipart(
        multipart,
        (fake, message) -> Iterables.transform(List.of(replies), r -> r.to(Frames.xid(message))));
  }

  private static Consumer<FakeSwitch> endless(int multipart, byte[] body) {
    return onMultipart(
        multipart,
        (fake, message) ->
            Iterables.cycle(List.of(Frames.part(Frames.xid(message), multipart, true, body))));
  }

  private static Consumer<FakeSwitch> onBundle(
      int control, BiFunction<FakeSwitch, byte[], Iterable<byte[]>> answer) {
    return fake ->
        fake.on(
            FakeSwitch.EXPERIMENTER,
            message ->
                Frames.int32(message, 12) == Ofp.ONF_BUNDLE_CONTROL
                        && Frames.uint16(message, 20) == control
                    ? answer.apply(fake, message)
                    : fake.standard(message));
  }

  private static Consumer<FakeSwitch> onMultipart(
      int multipart, BiFunction<FakeSwitch, byte[], Iterable<byte[]>> answer) {
    return fake ->
        fake.on(
            MULTIPART_REQUEST,
            message ->
                Frames.uint16(message, 8) == multipart
                    ? answer.apply(fake, message)
                    : fake.standard(message));
  }

  private static Consumer<FakeSwitch> onceUp(byte[] message) {
    return onceUp(List.of(message));
  }

  /** Says so much more after the last reply of the first reading. */
  private static Consumer<FakeSwitch> onceUp(Iterable<byte[]> messages) {
    return onMultipart(
        Ofp.OFPMP_FLOW,
        (fake, message) ->
            isLast(message)
                ? Iterables.concat(fake.standard(message), messages)
                : fake.standard(message));
  }

  private static void onceUp(FakeSwitch fake, Runnable action) {
    onMultipart(
            Ofp.OFPMP_FLOW,
            (same, message) -> {
              if (isLast(message)) {
                action.run();
              }
              return fake.standard(message);
            })
        .accept(fake);
  }

  /** Whether it asks for entries of ours in any table, which ends the first reading. */
  private static boolean isLast(byte[] message) {
    return (message[16] & 0xff) == Ofp.OFPTT_ALL;
  }

  /** One at a time, each after a while. */
  private static Iterable<byte[]> slowly(Iterable<byte[]> messages) {
    return Iterables.transform(
        messages,
        next -> {
          LockSupport.parkNanos(20_000_000);
          return next;
        });
  }

  private static Iterable<byte[]> inBytes(byte[] message) {
    return Iterables.transform(Bytes.asList(message), next -> new byte[] {next});
  }

  /** OFPT_PORT_STATUS: this port was deleted. */
  static byte[] portStatus(int port) {
    byte[] body = ByteBuffer.allocate(72).put((byte) Ofp.OFPPR_DELETE).putInt(8, port).array();
    return Frames.message(Ofp.OFPT_PORT_STATUS, 0, body);
  }

  /** OFPT_FLOW_REMOVED of an entry of ours. */
  static byte[] flowRemoved() {
    ByteBuf body = Unpooled.buffer();
    FlowStats.writeRemoved(Entries.e0(9), body);
    return Frames.message(Ofp.OFPT_FLOW_REMOVED, 0, ByteBufUtil.getBytes(body));
  }

  /** An experimenter message of the ONF's without a body. */
  static byte[] experimenter(int subtype) {
    byte[] body =
        Bytes.concat(Ints.toByteArray(Ofp.ONF_EXPERIMENTER_ID), Ints.toByteArray(subtype));
    return Frames.message(Ofp.OFPT_EXPERIMENTER, 0, body);
  }

  /** An update of the flow monitor: an entry of ours has been deleted. */
  static byte[] flowUpdate() {
    return flowUpdate(Ofp.ONFFME_DELETED, Entries.e0(9));
  }

  /** An update of the flow monitor. */
  static byte[] flowUpdate(int event, FlowEntry entry) {
    ByteBuf update = Unpooled.buffer();
    FlowStats.writeUpdate(event, entry, update);
    return flowUpdate(ByteBufUtil.getBytes(update));
  }

  private static byte[] flowUpdate(byte[] update) {
    byte[] body =
        ByteBuffer.allocate(8 + update.length)
            .putInt(Ofp.ONF_EXPERIMENTER_ID)
            .putInt(Ofp.ONF_FLOW_MONITOR)
            .put(update)
            .array();
    return Frames.part(0, Ofp.OFPMP_EXPERIMENTER, false, body);
  }

  private static byte[] entries(FlowEntry entry, int count) {
    ByteBuf out = Unpooled.buffer();
    for (int i = 0; i < count; i++) {
      FlowStats.write(entry, out);
    }
    return ByteBufUtil.getBytes(out);
  }

  private static byte[] bytes(int... values) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      bytes[i] = (byte) values[i];
    }
    return bytes;
  }
}
