// SPDX-License-Identifier: Apache-2.0
/**
 * From intent and topology to flow entries, and from the entries that are wanted and the entries
 * that are there to the difference between them.
 *
 * <p>All of it is pure: no socket, clock, thread or switch. Entries are read and written as text in
 * ovs-ofctl's syntax.
 */
@NullMarked
package io.flowmirror.flows;

import org.jspecify.annotations.NullMarked;
