// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import io.flowmirror.controller.transport.Endpoint;
import java.time.Duration;

/**
 * How a session talks to its switch.
 *
 * @param node the node's name, for the log
 * @param peer where br-int takes service connections: the unix socket {@code br-int.mgmt} in Open
 *     vSwitch's run directory, or the {@code ptcp:} target of a Controller row of type service
 * @param requestTimeout how long each request, and an attempt to connect, may take before the
 *     connection is given up
 * @param wholeReply how long a multipart reply may take in all its parts
 * @param maxEntries how many entries of its tables may be kept: ours, and those of OVN's that tell
 *     of ports
 * @param echoAfter how long the switch may be silent before it is asked for an echo
 * @param audit how often, at least, the tables are read although nothing has been told of them; up
 *     to a fifth less, by chance, so that many nodes are not read at once
 * @param poll how often they are read if the switch has no flow monitor (Open vSwitch before 3.0)
 * @param minBackoff the shortest wait before a new attempt to connect
 * @param maxBackoff the longest; also how long a connection must have been up for its loss to count
 *     as the first failure, unless it was closed for what the switch did
 */
public record OpenFlowOptions(
    String node,
    Endpoint peer,
    Duration requestTimeout,
    Duration wholeReply,
    int maxEntries,
    Duration echoAfter,
    Duration audit,
    Duration poll,
    Duration minBackoff,
    Duration maxBackoff) {

  /**
   * The defaults for a node. A unix socket is tried often, since it costs next to nothing: who is
   * back before OVN is misses no copy.
   */
  public static OpenFlowOptions of(String node, Endpoint peer) {
    boolean local = peer instanceof Endpoint.Unix;
    return new OpenFlowOptions(
        node,
        peer,
        Duration.ofSeconds(5),
        Duration.ofSeconds(60),
        400_000,
        Duration.ofSeconds(5),
        Duration.ofSeconds(30),
        Duration.ofSeconds(1),
        Duration.ofMillis(local ? 20 : 100),
        local ? Duration.ofMillis(250) : Duration.ofSeconds(5));
  }

  /** The same with another timeout for requests. */
  public OpenFlowOptions withRequestTimeout(Duration requestTimeout) {
    return new OpenFlowOptions(
        node,
        peer,
        requestTimeout,
        wholeReply,
        maxEntries,
        echoAfter,
        audit,
        poll,
        minBackoff,
        maxBackoff);
  }

  /** The same with another limit of silence. */
  public OpenFlowOptions withEchoAfter(Duration echoAfter) {
    return new OpenFlowOptions(
        node,
        peer,
        requestTimeout,
        wholeReply,
        maxEntries,
        echoAfter,
        audit,
        poll,
        minBackoff,
        maxBackoff);
  }

  /** The same with another interval of the audit. */
  public OpenFlowOptions withAudit(Duration audit) {
    return new OpenFlowOptions(
        node,
        peer,
        requestTimeout,
        wholeReply,
        maxEntries,
        echoAfter,
        audit,
        poll,
        minBackoff,
        maxBackoff);
  }

  /** The same with other limits of what is taken in reply to one request. */
  public OpenFlowOptions withReplyLimits(Duration wholeReply, int maxEntries) {
    return new OpenFlowOptions(
        node,
        peer,
        requestTimeout,
        wholeReply,
        maxEntries,
        echoAfter,
        audit,
        poll,
        minBackoff,
        maxBackoff);
  }

  /** The same with other waits between attempts to connect. */
  public OpenFlowOptions withBackoff(Duration minBackoff, Duration maxBackoff) {
    return new OpenFlowOptions(
        node,
        peer,
        requestTimeout,
        wholeReply,
        maxEntries,
        echoAfter,
        audit,
        poll,
        minBackoff,
        maxBackoff);
  }
}
