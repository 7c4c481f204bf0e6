// SPDX-License-Identifier: Apache-2.0
/**
 * A small OVSDB client (RFC 7047) that follows br-int and changes nothing but our own port.
 *
 * <p>A database is believed nothing that it cannot say: what breaks the protocol, its schema or our
 * bounds closes the connection with a reason, and what it said is forgotten.
 *
 * <p>From the wire up: {@code JsonFraming} cuts the stream into messages, {@code RpcConnection}
 * speaks JSON-RPC, {@code BridgeTables} keeps the rows, {@code PortTransaction} plans our changes,
 * {@code OvsdbSession} connects, reports and applies. {@link
 * io.flowmirror.controller.ovsdb.OvsdbConnector} opens sessions.
 */
@NullMarked
package io.flowmirror.controller.ovsdb;

import org.jspecify.annotations.NullMarked;
