// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.util.Optional;

/**
 * Something that happened.
 *
 * @param id counts the events of this process, from 1
 * @param node where, if it was on one node
 * @param namespace whose, if it is for those who may see that namespace; empty if it names no pod
 * @param pod which pod, in that namespace
 * @param text what, in words
 * @param detail more of it
 */
record Event(
    long id,
    Instant time,
    Kind kind,
    Optional<String> node,
    Optional<String> namespace,
    Optional<String> pod,
    String text,
    Optional<ObjectNode> detail) {

  /** What kind of thing. */
  enum Kind {
    /** A node's connections, or its state. */
    NODE("node"),
    /** Entries that were not right were put right. */
    REPAIR("repair"),
    /** An interface of a pod is mirrored, or not any more, or not as it should be. */
    MIRROR("mirror"),
    /** Somebody has asked for something. */
    REQUEST("request");

    private final String text;

    Kind(String text) {
      this.text = text;
    }

    String text() {
      return text;
    }
  }

  /** Whether a caller may know of it. */
  boolean isFor(Caller caller) {
    return caller.may(Caller.Verb.GET, namespace.orElse(""))
        || (namespace.isEmpty() && kind == Kind.NODE);
  }

  ObjectNode json() {
    ObjectNode json = Json.object();
    json.put("id", id);
    json.put("time", time.toString());
    json.put("kind", kind.text());
    node.ifPresent(name -> json.put("node", name));
    namespace.ifPresent(name -> json.put("namespace", name));
    pod.ifPresent(name -> json.put("pod", name));
    json.put("text", text);
    detail.ifPresent(more -> json.set("detail", more));
    return json;
  }
}
