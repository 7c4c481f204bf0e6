// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.common.collect.ImmutableList;
import io.flowmirror.config.Direction;
import io.flowmirror.config.Mirror;
import io.flowmirror.topology.PodName;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** How the command line reads and writes pods, directions, durations and times. */
final class Words {
  private static final Pattern DURATION =
      Pattern.compile("(?:([0-9]{1,4})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,8})s)?");

  /** In place of a pod until the command line has been read. */
  static final PodName NO_POD = new PodName("-", "-");

  private Words() {}

  /** {@code NAMESPACE/POD}. */
  static final class Pod implements ITypeConverter<PodName> {
    @Override
    public PodName convert(String text) {
      try {
        Mirror named = Mirror.of(text, Direction.BOTH);
        return new PodName(named.namespace(), named.pod());
      } catch (IllegalArgumentException e) {
        throw refused(e);
      }
    }
  }

  /** {@code both}, {@code from-pod}, {@code to-pod}. */
  static final class Which implements ITypeConverter<Direction> {
    @Override
    public Direction convert(String text) {
      try {
        return Direction.parse(text);
      } catch (IllegalArgumentException e) {
        throw refused(e);
      }
    }
  }

  /** The directions' names, for a shell that completes them. */
  static final class Directions implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return ImmutableList.copyOf(Direction.values()).stream().map(Direction::toString).iterator();
    }
  }

  /** {@code 30m}, {@code 1h30m}, {@code 45s}. */
  static final class Span implements ITypeConverter<Duration> {
    @Override
    public Duration convert(String text) {
      Matcher parts = DURATION.matcher(text);
      if (!text.isEmpty() && parts.matches()) {
        Duration span =
            Duration.ofHours(part(parts, 1))
                .plusMinutes(part(parts, 2))
                .plusSeconds(part(parts, 3));
        if (!span.isZero()) {
          return span;
        }
      }
      throw new TypeConversionException("expected a duration such as 30m, 1h30m or 45s");
    }

    private static long part(Matcher parts, int group) {
      String text = parts.group(group);
      return text == null ? 0 : Long.parseLong(text);
    }
  }

  /** A time to come. */
  static final class Time implements ITypeConverter<Instant> {
    @Override
    public Instant convert(String text) {
      try {
        return OffsetDateTime.parse(text).toInstant();
      } catch (DateTimeException e) {
        throw new TypeConversionException("expected a time such as 2026-01-31T10:00:00Z");
      }
    }
  }

  /** A time that is over, or how long ago it was. */
  static final class Past implements ITypeConverter<Instant> {
    @Override
    public Instant convert(String text) {
      try {
        return Instant.now().minus(new Span().convert(text));
      } catch (TypeConversionException e) {
        try {
          return new Time().convert(text);
        } catch (TypeConversionException f) {
          throw new TypeConversionException(
              "expected a time such as 2026-01-31T10:00:00Z, or how long ago, such as 10m");
        }
      }
    }
  }

  private static TypeConversionException refused(IllegalArgumentException e) {
    return new TypeConversionException(String.valueOf(e.getMessage()));
  }

  /** What is wrong with a file, which is named once: Java's own message is often its name alone. */
  static String of(IOException e, @Nullable Path file) {
    String name = file == null ? "standard output" : file.toString();
    String why =
        switch (e) {
          case NoSuchFileException none -> "no such file or directory";
          case AccessDeniedException denied -> "permission denied";
          case FileSystemException other ->
              Objects.requireNonNullElse(other.getReason(), other.getClass().getSimpleName());
          default -> String.valueOf(e.getMessage());
        };
    return name + ": " + why;
  }

  /** A duration as the controller reads it. */
  static String span(Duration span) {
    return span.toSeconds() + "s";
  }

  /** A time, to the second; empty if there is none. */
  static String second(JsonNode time) {
    return time(time, ChronoUnit.SECONDS);
  }

  /** A time, to the millisecond, always of the same width. */
  static String milli(JsonNode time) {
    String text = time(time, ChronoUnit.MILLIS);
    return switch (text.length()) {
      case 20 -> text.replace("Z", ".000Z");
      default -> text;
    };
  }

  private static String time(JsonNode time, ChronoUnit to) {
    String text = time.asText("");
    try {
      return text.isEmpty() ? "" : Instant.parse(text).truncatedTo(to).toString();
    } catch (DateTimeException e) {
      return text;
    }
  }

  /** A number of milliseconds; empty if there is none. */
  static String millis(JsonNode millis) {
    return millis.isNumber() ? String.format(Locale.ROOT, "%.1f ms", millis.asDouble()) : "";
  }

  /** A list of texts. */
  static List<String> texts(JsonNode list) {
    List<String> texts = new ArrayList<>();
    list.forEach(each -> texts.add(each.asText("")));
    return texts;
  }
}
