// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.kubernetes;

import com.google.common.base.Throwables;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.net.ConnectException;
import java.net.http.HttpTimeoutException;

/** Why the API did not do what was asked, in words for a person. */
final class Reasons {
  private Reasons() {}

  static String of(Throwable failure) {
    Throwable root = Throwables.getRootCause(failure);
    if (root instanceof KubernetesClientException refused && refused.getStatus() != null) {
      return "the API answered " + refused.getCode() + ": " + refused.getStatus().getMessage();
    }
    if (root instanceof ConnectException) {
      return "the API cannot be reached";
    }
    if (root instanceof HttpTimeoutException
        || root instanceof java.util.concurrent.TimeoutException) {
      return "the API does not answer";
    }
    String message = root.getMessage();
    return "no API: "
        + (message == null || message.isEmpty() ? root.getClass().getSimpleName() : message);
  }
}
