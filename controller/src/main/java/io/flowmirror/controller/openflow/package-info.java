// SPDX-License-Identifier: Apache-2.0
/**
 * OpenFlow 1.3 to one br-int per session, over OpenFlowJava. The only package that knows
 * OpenDaylight's classes: nothing of theirs is in a signature that leaves it.
 */
@NullMarked
package io.flowmirror.controller.openflow;

import org.jspecify.annotations.NullMarked;
