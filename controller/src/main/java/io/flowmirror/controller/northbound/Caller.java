// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import java.util.Optional;

/** Who asks, and what that one may. From whatever thread. */
interface Caller {
  /** What may be done with mirrors; the names are those of Kubernetes' verbs. */
  enum Verb {
    /** See pods, their mirrors and their entries. */
    GET,
    /** Have a pod mirrored, or not any more. */
    UPDATE;

    /** As RBAC writes it. */
    String text() {
      return this == GET ? "get" : "update";
    }
  }

  /** For the audit log. */
  String name();

  /**
   * Whether the caller may do this in a namespace; an empty namespace stands for all of them, and
   * for the nodes.
   *
   * @throws Problem if that cannot be found out now
   */
  boolean may(Verb verb, String namespace);

  /** What the caller writes to in place of the book: resources of the API, with his own rights. */
  default Optional<Asking> asking() {
    return Optional.empty();
  }

  /** Whether it is not known who this is: everybody who asks is this one. */
  default boolean isAnybody() {
    return false;
  }

  /** Refuses what the caller may not. */
  default void demand(Verb verb, String namespace) {
    if (!may(verb, namespace)) {
      throw Problem.forbidden(
          name()
              + " may not "
              + verb.text()
              + " mirrors "
              + (namespace.isEmpty() ? "of all namespaces" : "in namespace " + namespace));
    }
  }

  /** Somebody on this machine, where nobody asks for more. */
  static Caller local() {
    return new Caller() {
      @Override
      public String name() {
        return "local";
      }

      @Override
      public boolean may(Verb verb, String namespace) {
        return true;
      }

      @Override
      public boolean isAnybody() {
        return true;
      }
    };
  }
}
