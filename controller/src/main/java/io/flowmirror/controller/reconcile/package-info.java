// SPDX-License-Identifier: Apache-2.0
/**
 * The one loop: read, compare, repair. First start, restart, OVN's wipe and a reconnect are the
 * same path through it.
 */
@NullMarked
package io.flowmirror.controller.reconcile;

import org.jspecify.annotations.NullMarked;
