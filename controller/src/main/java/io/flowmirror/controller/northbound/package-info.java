// SPDX-License-Identifier: Apache-2.0
/**
 * How people and programs ask and tell the controller: REST, events, flow dumps, explanations.
 *
 * <p>Requests are served on virtual threads of the server's. They read immutable snapshots, and
 * leave what they want in the reconciler's mailbox; nothing here can hold up the loop.
 */
@NullMarked
package io.flowmirror.controller.northbound;

import org.jspecify.annotations.NullMarked;
