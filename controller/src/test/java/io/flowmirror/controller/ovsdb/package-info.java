// SPDX-License-Identifier: Apache-2.0
/** Tests of the OVSDB client; those that end in IT need a real Open vSwitch and root. */
@NullMarked
package io.flowmirror.controller.ovsdb;

import org.jspecify.annotations.NullMarked;
