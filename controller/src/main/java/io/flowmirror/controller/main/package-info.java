// SPDX-License-Identifier: Apache-2.0
/**
 * The command line, and how the parts are put together. {@code run}, {@code clean} and {@code flows
 * --config} reach the nodes themselves; the other commands are clients of the REST API of a
 * controller that runs ({@link io.flowmirror.controller.main.Remote}), and load nothing that only
 * the controller needs.
 */
@NullMarked
package io.flowmirror.controller.main;

import org.jspecify.annotations.NullMarked;
