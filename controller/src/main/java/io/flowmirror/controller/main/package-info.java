// SPDX-License-Identifier: Apache-2.0
/**
 * The command line: {@code run}, {@code clean} and {@code flows}, and how the parts are put
 * together.
 */
@NullMarked
package io.flowmirror.controller.main;

import org.jspecify.annotations.NullMarked;
