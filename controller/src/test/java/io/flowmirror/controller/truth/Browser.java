// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.truth;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.io.MoreFiles;
import com.google.common.io.RecursiveDeleteOption;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A headless Chromium with one page, driven by its DevTools protocol. It has a profile of its own,
 * and goes with its whole process tree at {@link #close}, or at the JVM's end.
 */
final class Browser implements AutoCloseable {
  /** The distribution's; nothing is downloaded. */
  private static final String PROGRAM = "chromium";

  private static final ImmutableList<String> OPTIONS =
      ImmutableList.of(
          "--headless=new",
          "--no-sandbox",
          "--disable-gpu",
          "--disable-dev-shm-usage",
          "--disable-background-networking",
          "--disable-component-update",
          "--disable-crash-reporter",
          "--disable-extensions",
          "--disable-sync",
          "--hide-scrollbars",
          "--mute-audio",
          "--no-first-run",
          "--no-proxy-server",
          "--lang=en-US",
          "--remote-debugging-port=0");

  private static final long ANSWER_SECONDS = 60;
  private static final ObjectMapper JSON = new ObjectMapper();

  /** The keys that tests press, with the number that the protocol wants beside the name. */
  private static final ImmutableMap<String, Integer> KEYS =
      ImmutableMap.of("Tab", 9, "Enter", 13, "Escape", 27, " ", 32, "ArrowDown", 40);

  private final Path profile;
  private final Program program;
  private final HttpClient http = HttpClient.newHttpClient();
  private final WebSocket socket;
  private final AtomicInteger ids = new AtomicInteger();
  private final Map<Integer, CompletableFuture<JsonNode>> waiting = new ConcurrentHashMap<>();
  private final List<String> faults = new CopyOnWriteArrayList<>();
  private final Thread atExit = Thread.ofPlatform().unstarted(this::end);

  private Browser(Path profile) {
    this.profile = profile;
    this.program =
        Program.start(
            ImmutableList.<String>builder()
                .add(PROGRAM)
                .addAll(OPTIONS)
                .add("--user-data-dir=" + profile, "about:blank")
                .build()
                .toArray(String[]::new));
    Runtime.getRuntime().addShutdownHook(atExit);
    try {
      this.socket =
          http.newWebSocketBuilder()
              .buildAsync(URI.create(page(port())), new Listener())
              .get(ANSWER_SECONDS, TimeUnit.SECONDS);
      for (String domain : List.of("Page", "Runtime", "Log", "Network")) {
        send(domain + ".enable");
      }
    } catch (Exception | AssertionError e) {
      close();
      throw new AssertionError("no page in " + PROGRAM + ":\n" + program.output(), e);
    }
  }

  /** Starts one; fails where there is none to start. */
  static Browser started() {
    try {
      return new Browser(Files.createTempDirectory("flowmirror-browser"));
    } catch (IOException | UncheckedIOException e) {
      throw new AssertionError("This needs Debian's chromium; `make test' installs it", e);
    }
  }

  /** It writes down where it listens as soon as it does. */
  private int port() {
    Path file = profile.resolve("DevToolsActivePort");
    Wait.until(
        PROGRAM + " to listen",
        () -> {
          try {
            return Files.exists(file) && Files.readString(file).contains("\n");
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        },
        () -> program.isRunning() ? "it is running" : program.output());
    try {
      return Integer.parseInt(Files.readAllLines(file).get(0).strip());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private String page(int port) throws IOException, InterruptedException {
    HttpRequest list =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/json/list")).build();
    String body = http.send(list, HttpResponse.BodyHandlers.ofString()).body();
    for (JsonNode target : JSON.readTree(body)) {
      if (target.path("type").asText().equals("page")) {
        return target.path("webSocketDebuggerUrl").asText();
      }
    }
    throw new IOException("no page among " + body);
  }

  private final class Listener implements WebSocket.Listener {
    private final StringBuilder text = new StringBuilder();

    @Override
    public @Nullable CompletionStage<?> onText(WebSocket from, CharSequence part, boolean last) {
      text.append(part);
      if (last) {
        try {
          take(JSON.readTree(text.toString()));
        } catch (IOException e) {
          faults.add("not JSON: " + e.getMessage());
        }
        text.setLength(0);
      }
      from.request(1);
      return null;
    }

    @Override
    public void onError(WebSocket from, Throwable fault) {
      waiting.values().forEach(each -> each.completeExceptionally(fault));
    }
  }

  private void take(JsonNode message) {
    CompletableFuture<JsonNode> answer = waiting.remove(message.path("id").asInt(-1));
    JsonNode parameters = message.path("params");
    if (answer != null) {
      answer.complete(message);
    } else if (message.path("method").asText().equals("Runtime.exceptionThrown")) {
      JsonNode thrown = parameters.path("exceptionDetails");
      faults.add(thrown.path("exception").path("description").asText(thrown.toString()));
    } else if (message.path("method").asText().equals("Log.entryAdded")
        && parameters.path("entry").path("level").asText().equals("error")) {
      faults.add(parameters.path("entry").toString());
    } else if (message.path("method").asText().equals("Runtime.consoleAPICalled")
        && parameters.path("type").asText().equals("error")) {
      faults.add(parameters.toString());
    }
  }

  /**
   * What the page has complained of since last asked: exceptions that nobody caught, what its
   * content security policy refused, answers that are errors.
   */
  ImmutableList<String> faults() {
    ImmutableList<String> found = ImmutableList.copyOf(faults);
    faults.removeAll(found);
    return found;
  }

  /** A command of the protocol, its parameters in pairs; returns the result. */
  JsonNode send(String method, Object... parameters) {
    ObjectNode message = JSON.createObjectNode();
    int id = ids.incrementAndGet();
    message.put("id", id).put("method", method);
    ObjectNode its = message.putObject("params");
    for (int i = 0; i < parameters.length; i += 2) {
      its.set((String) parameters[i], JSON.valueToTree(parameters[i + 1]));
    }
    CompletableFuture<JsonNode> answer = new CompletableFuture<>();
    waiting.put(id, answer);
    try {
      socket.sendText(message.toString(), true).get(ANSWER_SECONDS, TimeUnit.SECONDS);
      JsonNode found = answer.get(ANSWER_SECONDS, TimeUnit.SECONDS);
      if (found.has("error")) {
        throw new AssertionError(method + ": " + found.path("error"));
      }
      return found.path("result");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    } catch (Exception e) {
      throw new AssertionError(method + " was not answered", e);
    }
  }

  /** Opens an address; the page goes on by itself. */
  void open(String url) {
    send("Page.navigate", "url", url);
  }

  /** The value of an expression, awaited if it is a promise. */
  JsonNode value(String expression) {
    JsonNode answer =
        send(
            "Runtime.evaluate",
            "expression",
            expression,
            "awaitPromise",
            true,
            "returnByValue",
            true);
    if (answer.has("exceptionDetails")) {
      throw new AssertionError(expression + ": " + answer.path("exceptionDetails"));
    }
    return answer.path("result").path("value");
  }

  /** The text that is shown of the first element that a selector finds; empty if there is none. */
  String text(String selector) {
    return value("document.querySelector(" + quoted(selector) + ")?.innerText ?? ''").asText();
  }

  /** Waits until an expression is true; while what it names is not there yet, it is not. */
  void await(String what, String expression) {
    String tried =
        "(() => { try { return Boolean(" + expression + "); } catch { return false; } })()";
    Wait.until(
        what,
        () -> value(tried).asBoolean(),
        () -> value("document.body.innerText").asText() + "\n" + faults);
  }

  /** Waits until what is shown of an element has this in it. */
  void awaitText(String selector, String part) {
    await(
        selector + " to say \"" + part + "\"",
        "document.querySelector("
            + quoted(selector)
            + ")?.innerText.includes("
            + quoted(part)
            + ")");
  }

  /** A text as the page's language writes it. */
  static String quoted(String text) {
    return JSON.valueToTree(text).toString();
  }

  /** Presses a key, and lets it go. */
  void press(String key) {
    int code = KEYS.getOrDefault(key, 0);
    String text = key.equals("Enter") ? "\r" : key.equals(" ") ? " " : "";
    for (String type : List.of(text.isEmpty() ? "rawKeyDown" : "keyDown", "keyUp")) {
      send(
          "Input.dispatchKeyEvent",
          "type",
          type,
          "key",
          key,
          "code",
          key.equals(" ") ? "Space" : key,
          "windowsVirtualKeyCode",
          code,
          "text",
          type.equals("keyUp") ? "" : text);
    }
  }

  /** Writes into what has the focus. */
  void type(String text) {
    send("Input.insertText", "text", text);
  }

  /** Makes the window as large as this, in CSS pixels. */
  void resize(int width, int height) {
    send(
        "Emulation.setDeviceMetricsOverride",
        "width",
        width,
        "height",
        height,
        "deviceScaleFactor",
        1,
        "mobile",
        false);
  }

  /** Has the system prefer {@code light} or {@code dark}. */
  void prefer(String scheme) {
    send(
        "Emulation.setEmulatedMedia",
        "features",
        List.of(Map.of("name", "prefers-color-scheme", "value", scheme)));
  }

  /** Keeps what is seen, as PNG. */
  void keep(Path file) {
    JsonNode answer = send("Page.captureScreenshot", "format", "png");
    try {
      Files.createDirectories(file.toAbsolutePath().getParent());
      Files.write(file, Base64.getDecoder().decode(answer.path("data").asText()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void end() {
    List<ProcessHandle> tree =
        ProcessHandle.of(program.pid()).stream().flatMap(ProcessHandle::descendants).toList();
    program.close();
    tree.forEach(ProcessHandle::destroyForcibly);
    try {
      for (ProcessHandle each : tree) {
        each.onExit().get(ANSWER_SECONDS, TimeUnit.SECONDS);
      }
      if (Files.exists(profile)) {
        MoreFiles.deleteRecursively(profile, RecursiveDeleteOption.ALLOW_INSECURE);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (Exception e) {
      throw new IllegalStateException(PROGRAM + " does not go", e);
    }
  }

  @Override
  public void close() {
    http.shutdownNow();
    end();
    Runtime.getRuntime().removeShutdownHook(atExit);
  }
}
