// SPDX-License-Identifier: Apache-2.0
/**
 * What the Kubernetes API says: pods and their annotations, namespaces and nodes.
 *
 * <p>A session follows the API and tells what is asked for on each node. It knows nothing of
 * switches.
 */
@NullMarked
package io.flowmirror.controller.kubernetes;

import org.jspecify.annotations.NullMarked;
