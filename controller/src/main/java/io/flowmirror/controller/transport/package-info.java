// SPDX-License-Identifier: Apache-2.0
/** How a session reaches its peer, whatever it speaks: where to dial, and when to try again. */
@NullMarked
package io.flowmirror.controller.transport;

import org.jspecify.annotations.NullMarked;
