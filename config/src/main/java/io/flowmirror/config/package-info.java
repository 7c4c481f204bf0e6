// SPDX-License-Identifier: Apache-2.0
/**
 * What the operator wants: the configuration file and the flags, as immutable values.
 *
 * <p>{@link io.flowmirror.config.SettingsReader} checks everything once, at start, and names every
 * mistake with its line; a {@link io.flowmirror.config.Settings} that exists is right.
 */
@NullMarked
package io.flowmirror.config;

import org.jspecify.annotations.NullMarked;
