// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSortedSet;
import com.google.common.collect.Ordering;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Which method and path is served by what. */
final class Routes {
  /** Serves one kind of request. */
  interface Endpoint {
    void serve(Exchange exchange) throws Exception;
  }

  /**
   * A route.
   *
   * @param method in capitals
   * @param path such as {@code /v1/nodes/{node}}
   * @param endless whether its answer has no end of its own
   * @param media the media types that it can answer with, the usual first; empty if that is its own
   *     matter
   * @param open whether who asks needs not be known: health, and the page's own files
   */
  record Route(
      String method,
      String path,
      ImmutableList<String> media,
      boolean open,
      boolean endless,
      Endpoint endpoint) {
    private ImmutableList<String> segments() {
      return ImmutableList.copyOf(SLASHES.split(path));
    }

    private Optional<ImmutableMap<String, String>> match(List<String> wanted) {
      List<String> own = segments();
      if (own.size() != wanted.size()) {
        return Optional.empty();
      }
      ImmutableMap.Builder<String, String> parameters = ImmutableMap.builder();
      for (int i = 0; i < own.size(); i++) {
        String segment = own.get(i);
        if (segment.startsWith("{") && !wanted.get(i).isEmpty()) {
          parameters.put(segment.substring(1, segment.length() - 1), wanted.get(i));
        } else if (!segment.equals(wanted.get(i))) {
          return Optional.empty();
        }
      }
      return Optional.of(parameters.buildOrThrow());
    }
  }

  /** A route that a request takes, and what its path says. */
  record Found(Route route, ImmutableMap<String, String> parameters) {}

  private static final Splitter SLASHES = Splitter.on('/');

  private final List<Route> routes = new ArrayList<>();

  /** One whose answer is JSON. */
  void add(String method, String path, Endpoint endpoint) {
    routes.add(new Route(method, path, ImmutableList.of(Exchange.JSON), false, false, endpoint));
  }

  /** One that also has text, see {@link Exchange#wantsText}. */
  void addWithText(String method, String path, Endpoint endpoint) {
    routes.add(
        new Route(
            method, path, ImmutableList.of(Exchange.JSON, Exchange.PLAIN), false, false, endpoint));
  }

  /** One whose answer is neither. */
  void addOther(String method, String path, Endpoint endpoint) {
    routes.add(new Route(method, path, ImmutableList.of(), false, false, endpoint));
  }

  /** One whose answer ends when the client does. */
  void addEndless(String method, String path, Endpoint endpoint) {
    routes.add(new Route(method, path, ImmutableList.of(), false, true, endpoint));
  }

  /** One for everybody. */
  void addOpen(String method, String path, Endpoint endpoint) {
    routes.add(new Route(method, path, ImmutableList.of(), true, false, endpoint));
  }

  ImmutableList<Route> all() {
    return ImmutableList.copyOf(routes);
  }

  /**
   * The route of a request. HEAD takes that of GET.
   *
   * @param rawPath as it was sent, percent-encoded
   * @throws Problem if there is none
   */
  Found find(String method, String rawPath) {
    List<String> segments = new ArrayList<>();
    for (String segment : SLASHES.split(rawPath)) {
      segments.add(decode(segment));
    }
    String wanted = method.equals("HEAD") ? "GET" : method;
    List<String> methods = new ArrayList<>();
    for (Route route : routes) {
      Optional<ImmutableMap<String, String>> parameters = route.match(segments);
      if (parameters.isPresent()) {
        if (route.method().equals(wanted)) {
          return new Found(route, parameters.get());
        }
        methods.add(route.method());
        if (route.method().equals("GET")) {
          methods.add("HEAD");
        }
      }
    }
    if (methods.isEmpty()) {
      throw Problem.notFound("no such path; /v1/openapi.yaml has those that there are");
    }
    throw Problem.methodNotAllowed(ImmutableSortedSet.copyOf(Ordering.natural(), methods));
  }

  /** Percent-decodes one segment, strictly: what has a second meaning is refused. */
  private static String decode(String segment) {
    if (segment.equals(".") || segment.equals("..")) {
      throw Problem.badRequest("the path has . or .. in it");
    }
    if (segment.indexOf('%') < 0) {
      return segment;
    }
    ByteBuffer bytes = ByteBuffer.allocate(segment.length());
    for (int i = 0; i < segment.length(); i++) {
      char letter = segment.charAt(i);
      if (letter == '%') {
        int high = i + 2 <= segment.length() - 1 ? Character.digit(segment.charAt(i + 1), 16) : -1;
        int low = i + 2 <= segment.length() - 1 ? Character.digit(segment.charAt(i + 2), 16) : -1;
        if (high < 0 || low < 0) {
          throw Problem.badRequest("the path has a broken percent-encoding");
        }
        bytes.put((byte) (high << 4 | low));
        i += 2;
      } else if (letter < 0x80) {
        bytes.put((byte) letter);
      } else {
        throw Problem.badRequest("the path has a letter that is not ASCII");
      }
    }
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(bytes.flip()).toString();
      if (text.chars().anyMatch(c -> Character.isISOControl(c) || c == '/')) {
        throw Problem.badRequest("the path has an encoded control character or slash");
      }
      return text;
    } catch (CharacterCodingException e) {
      throw Problem.badRequest("the path is not UTF-8");
    }
  }
}
