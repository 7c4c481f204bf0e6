// SPDX-License-Identifier: Apache-2.0
/**
 * What the operator wants: the configuration file and the flags, as immutable values.
 *
 * <p>{@link io.flowmirror.config.SettingsReader} checks everything whenever it reads the file and
 * names every mistake with its line; a {@link io.flowmirror.config.Settings} that exists is right,
 * and equal to another one that wants the same.
 */
@NullMarked
package io.flowmirror.config;

import org.jspecify.annotations.NullMarked;
