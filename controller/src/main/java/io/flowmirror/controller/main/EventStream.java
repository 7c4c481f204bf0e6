// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * What happens at a controller, as it happens (server-sent events, HTML Standard, section 9.2),
 * through connections that break and controllers that are started again. The caller's thread.
 */
final class EventStream {
  /** The controller says something every 10 s, if only that it is there. */
  private static final Duration SILENCE = Duration.ofSeconds(30);

  private final Remote remote;
  private final Duration pause;
  private final Consumer<String> says;
  private String last;
  private boolean lost;

  /**
   * Connects to nothing yet.
   *
   * @param after the event that is known already, as the controller names it to who follows
   * @param pause between attempts to connect
   * @param says is told when the connection is lost, and back
   */
  EventStream(Remote remote, String after, Duration pause, Consumer<String> says) {
    this.remote = remote;
    this.last = after;
    this.pause = pause;
    this.says = says;
  }

  /**
   * Follows until the consumer has enough, or the controller refuses.
   *
   * @param events is given each, once; whether to go on
   * @throws RemoteException if the controller answers that it will not
   */
  void follow(Predicate<JsonNode> events) throws InterruptedException {
    while (true) {
      try {
        if (!once(events)) {
          return;
        }
      } catch (RemoteException e) {
        // Too many followers, or a restart behind a proxy, passes; a refusal does not.
        if (e.status() >= 400 && e.status() < 500 && e.status() != 429) {
          throw e;
        }
        lost(e.line());
      }
      Thread.sleep(pause);
    }
  }

  private void lost(String why) {
    if (!lost) {
      lost = true;
      says.accept(why + "; trying again");
    }
  }

  /** One connection, to its end; whether to go on. */
  private boolean once(Predicate<JsonNode> events) {
    try (InputStream in = remote.events(last);
        Silence silence = new Silence(in);
        BufferedReader lines =
            new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
      StringBuilder data = new StringBuilder();
      String kind = "";
      String id = last;
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        silence.heard();
        if (lost) {
          lost = false;
          says.accept("connected again");
        }
        if (line.isEmpty()) {
          if (kind.equals("lost")) {
            return true;
          }
          if (data.length() > 0) {
            JsonNode event = event(data.toString());
            last = id;
            if (!events.test(event)) {
              return false;
            }
          }
          data.setLength(0);
          kind = "";
        } else if (line.startsWith("event:")) {
          kind = line.substring("event:".length()).strip();
        } else if (line.startsWith("data:")) {
          data.append(line.substring("data:".length()));
        } else if (line.startsWith("id:")) {
          id = line.substring("id:".length()).strip();
        }
      }
      lost("the controller has ended the connection");
    } catch (IOException e) {
      lost(remote.broken(e).line());
    }
    return true;
  }

  private static JsonNode event(String data) throws IOException {
    try {
      return Remote.JSON.readTree(data);
    } catch (JsonProcessingException e) {
      throw new IOException("no JSON", e);
    }
  }

  /** Ends a connection over which nothing has come for long. */
  private static final class Silence implements AutoCloseable {
    private final ScheduledExecutorService clock =
        Executors.newSingleThreadScheduledExecutor(Thread.ofPlatform().daemon().factory());
    private volatile long heard = System.nanoTime();

    Silence(InputStream in) {
      var unused =
          clock.scheduleAtFixedRate(() -> look(in), SILENCE.toSeconds(), 1, TimeUnit.SECONDS);
    }

    private void look(InputStream in) {
      if (System.nanoTime() - heard > SILENCE.toNanos()) {
        try {
          in.close();
        } catch (IOException e) {
          // The reader notices.
        }
      }
    }

    void heard() {
      heard = System.nanoTime();
    }

    @Override
    public void close() {
      clock.shutdownNow();
    }
  }
}
