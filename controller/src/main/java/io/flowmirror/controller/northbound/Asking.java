// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import io.flowmirror.config.Mirror;
import io.flowmirror.controller.kubernetes.AskedMirrors;
import io.flowmirror.controller.kubernetes.AskedMirrors.NotDoneException;
import java.time.Instant;
import java.util.Optional;

/** Where mirrors that are asked for by REST are kept: in the book, or in the Kubernetes API. */
interface Asking {
  /** What is asked for of a pod. */
  Optional<RequestBook.Entry> entry(String namespace, String pod);

  /** Asks for a pod, or asks otherwise; returns whether anything is new. */
  boolean put(Mirror mirror, Optional<Instant> until, String by);

  /** Does not ask for a pod any more; false if nobody did. */
  boolean remove(String namespace, String pod);

  /** As resources in the API, with the caller's own rights. */
  record InApi(AskedMirrors mirrors, String token, String name) implements Asking {
    private interface Request<T> {
      T make() throws NotDoneException;
    }

    private static <T> T ask(Request<T> request) {
      try {
        return request.make();
      } catch (NotDoneException e) {
        throw switch (e.code()) {
          case 401, 403 -> Problem.forbidden("the Kubernetes API refuses it: " + e.getMessage());
          case 404 -> Problem.notFound("the Kubernetes API: " + e.getMessage());
          case 400, 409, 422 -> Problem.conflict("the Kubernetes API: " + e.getMessage());
          default -> Problem.unavailable("the Kubernetes API: " + e.getMessage());
        };
      }
    }

    @Override
    public Optional<RequestBook.Entry> entry(String namespace, String pod) {
      return ask(() -> mirrors.find(token, namespace, pod))
          .map(asked -> new RequestBook.Entry(asked.mirror(), name, asked.since(), asked.until()));
    }

    @Override
    public boolean put(Mirror mirror, Optional<Instant> until, String by) {
      return ask(() -> mirrors.put(token, mirror, until));
    }

    @Override
    public boolean remove(String namespace, String pod) {
      return ask(() -> mirrors.remove(token, namespace, pod));
    }
  }
}
