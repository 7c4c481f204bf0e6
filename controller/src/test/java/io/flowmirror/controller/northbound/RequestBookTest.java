// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.collect.ImmutableSet;
import io.flowmirror.config.Direction;
import io.flowmirror.config.Mirror;
import io.flowmirror.controller.reconcile.Requests;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class RequestBookTest {
  private static final Mirror WEB = new Mirror("demo", "web", Direction.BOTH);
  private static final Mirror DB = new Mirror("demo", "db", Direction.TO_POD);

  @TempDir Path folder;
  private Instant now = Instant.parse("2026-01-31T10:00:00Z");

  private RequestBook book(Optional<Path> file) {
    return new RequestBook(file, () -> now);
  }

  @Test
  void whatIsTheSameAgainIsNotTold() {
    RequestBook book = book(Optional.empty());
    List<Requests> told = new ArrayList<>();
    book.listen(told::add);
    assertThat(told).hasSize(1);
    told.clear();
    assertThat(book.put(WEB, Optional.empty(), "a")).isTrue();
    assertThat(book.put(WEB, Optional.empty(), "b")).isFalse();
    assertThat(book.entry("demo/web").orElseThrow().by()).isEqualTo("a");
    assertThat(told).hasSize(1);
    assertThat(book.put(new Mirror("demo", "web", Direction.FROM_POD), Optional.empty(), "b"))
        .isTrue();
    assertThat(book.remove("demo/web")).isTrue();
    assertThat(book.remove("demo/web")).isFalse();
    assertThat(told).hasSize(3);
    assertThat(told.get(2)).isEqualTo(Requests.NONE);
  }

  @Test
  void itOutlivesTheProcess() throws IOException {
    Path file = folder.resolve("mirrors.json");
    RequestBook book = book(Optional.of(file));
    book.put(WEB, Optional.of(now.plusSeconds(60)), "a");
    book.put(DB, Optional.empty(), "b");
    book.setGlobal(Optional.of(new Requests.Global(false, ImmutableSet.of("n1"))), "c");
    RequestBook read = book(Optional.of(file));
    assertThat(read.entries()).isEqualTo(book.entries());
    assertThat(read.global()).isEqualTo(book.global());
    try (var files = Files.list(folder)) {
      assertThat(files).containsExactly(file);
    }
    now = now.plusSeconds(61);
    // What came to its end meanwhile is not asked for, not for a moment.
    assertThat(book(Optional.of(file)).requests().mirrors()).containsExactly(DB);
  }

  @Test
  void whatCannotBeUnderstoodIsNotTakenForNothing() throws IOException {
    Path file = folder.resolve("mirrors.json");
    for (String text :
        List.of(
            "", "{", "[]", "{\"x\": 1}", "{\"mirrors\": [{}]}", "{\"mirrors\": [{\"pod\": 1}]}")) {
      Files.writeString(file, text);
      assertThatThrownBy(() -> book(Optional.of(file)))
          .as(text)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("mirrors.json");
      assertThat(file).hasContent(text);
    }
  }

  /** Half done would be: told, and gone after a restart. */
  @Test
  void whatCannotBeWrittenIsNotTold() throws IOException {
    Path there = Files.createDirectory(folder.resolve("there"));
    RequestBook book = book(Optional.of(there.resolve("mirrors.json")));
    List<Requests> told = new ArrayList<>();
    book.listen(told::add);
    assertThat(told).hasSize(1);
    told.clear();
    Files.delete(there);
    assertThatThrownBy(() -> book.put(WEB, Optional.empty(), "a"))
        .isInstanceOf(Problem.class)
        .hasMessageContaining("nothing has changed");
    assertThat(told).isEmpty();
    assertThat(book.entries()).isEmpty();
  }

  @Test
  void aMirrorEndsByItself() {
    RequestBook book = book(Optional.empty());
    book.put(WEB, Optional.of(now.plusSeconds(60)), "a");
    book.put(DB, Optional.of(now.plusSeconds(90)), "a");
    assertThat(book.nextEnd()).hasValue(Duration.ofSeconds(60));
    now = now.plusSeconds(59);
    assertThat(book.removeEnded()).isEmpty();
    now = now.plusSeconds(1);
    assertThat(book.removeEnded()).extracting(RequestBook.Entry::mirror).containsExactly(WEB);
    assertThat(book.requests().mirrors()).containsExactly(DB);
  }

  /** Promise 3 before the file. */
  @Test
  void aMirrorEndsAlthoughTheFileCannotBeWritten() throws IOException {
    Path there = Files.createDirectory(folder.resolve("there"));
    Path file = there.resolve("mirrors.json");
    RequestBook book = book(Optional.of(file));
    book.put(WEB, Optional.of(now.plusSeconds(60)), "a");
    Files.delete(file);
    Files.delete(there);
    now = now.plusSeconds(60);
    assertThat(book.removeEnded()).hasSize(1);
    assertThat(book.requests()).isEqualTo(Requests.NONE);
  }

  @Test
  void thereIsABound() throws IOException {
    // One by one would be as many copies of a book of thousands.
    StringBuilder all = new StringBuilder("{\"mirrors\": [");
    for (int i = 0; i < RequestBook.MAX_MIRRORS; i++) {
      all.append(i == 0 ? "" : ", ")
          .append("{\"pod\": \"demo/p")
          .append(i)
          .append("\", \"direction\": \"both\", \"by\": \"a\", \"since\": \"")
          .append(now)
          .append("\"}");
    }
    Path file = folder.resolve("mirrors.json");
    Files.writeString(file, all.append("]}"));
    RequestBook book = book(Optional.of(file));
    assertThat(book.entries()).hasSize(RequestBook.MAX_MIRRORS);
    assertThatThrownBy(() -> book.put(WEB, Optional.empty(), "a")).isInstanceOf(Problem.class);
    assertThat(book.put(new Mirror("demo", "p1", Direction.TO_POD), Optional.empty(), "a"))
        .isTrue();
  }
}
