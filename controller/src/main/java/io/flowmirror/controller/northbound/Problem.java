// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.common.collect.ImmutableSortedSet;

/**
 * Why a request is not done: the one shape of all errors, problem details (RFC 9457).
 *
 * <p>It is the client's fault or the circumstances', never a stack trace's: no trace is kept.
 */
final class Problem extends RuntimeException {
  static final String MEDIA_TYPE = "application/problem+json";

  private static final long serialVersionUID = 1;

  private final int status;
  private final String title;
  private final String allow;

  private Problem(int status, String title, String detail) {
    this(status, title, detail, "");
  }

  private Problem(int status, String title, String detail, String allow) {
    super(detail, null, false, false);
    this.allow = allow;
    this.status = status;
    this.title = title;
  }

  /** The request itself is wrong; the detail names the field. */
  static Problem badRequest(String detail) {
    return new Problem(400, "Bad Request", detail);
  }

  static Problem unauthorized(String detail) {
    return new Problem(401, "Unauthorized", detail);
  }

  static Problem forbidden(String detail) {
    return new Problem(403, "Forbidden", detail);
  }

  static Problem notFound(String detail) {
    return new Problem(404, "Not Found", detail);
  }

  static Problem methodNotAllowed(ImmutableSortedSet<String> allowed) {
    String methods = String.join(", ", allowed);
    return new Problem(405, "Method Not Allowed", "expected " + methods, methods);
  }

  static Problem notAcceptable(String detail) {
    return new Problem(406, "Not Acceptable", detail);
  }

  /** The request is right, and what is there is in its way. */
  static Problem conflict(String detail) {
    return new Problem(409, "Conflict", detail);
  }

  static Problem tooLarge(String detail) {
    return new Problem(413, "Content Too Large", detail);
  }

  static Problem unsupportedMediaType(String detail) {
    return new Problem(415, "Unsupported Media Type", detail);
  }

  static Problem tooMany(String detail) {
    return new Problem(429, "Too Many Requests", detail);
  }

  /** A fault of ours; the log has more. */
  static Problem internal() {
    return new Problem(500, "Internal Server Error", "a fault of ours; the log has more");
  }

  /** Somebody whom this needs is away: a node, the API. */
  static Problem unavailable(String detail) {
    return new Problem(503, "Service Unavailable", detail);
  }

  int status() {
    return status;
  }

  /** The methods that there are, where it is the method that is wrong; else empty. */
  String allow() {
    return allow;
  }

  String title() {
    return title;
  }

  String detail() {
    return String.valueOf(getMessage());
  }

  /** The body. */
  ObjectNode json() {
    return Json.object()
        .put("type", "about:blank")
        .put("title", title)
        .put("status", status)
        .put("detail", detail());
  }
}
