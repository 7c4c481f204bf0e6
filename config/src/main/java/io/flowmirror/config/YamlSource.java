// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.config;

import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.reader.ReaderException;

/** From a file to YAML nodes that know their lines, within bounds. */
final class YamlSource {
  /** A thousand nodes and fifty thousand mirrors fit. */
  static final int MAX_BYTES = 8 << 20;

  /** SnakeYAML copies what it has read of a token again and again, so a token must end in time. */
  static final int MAX_LINE = 256 << 10;

  /** Aliases of lists and mappings: enough to write, too few for an alias bomb. */
  private static final int MAX_ALIASES = 50;

  /** The configuration itself needs four levels. */
  private static final int MAX_DEPTH = 20;

  private YamlSource() {}

  /**
   * The file's text. Throws {@link ConfigException} if it cannot be read, is too large or not
   * UTF-8.
   */
  static String text(Path file, Problems problems) {
    byte[] bytes = bytes(file, problems);
    // A text has at most as many chars as its UTF-8 has bytes.
    CharBuffer text = CharBuffer.allocate(bytes.length);
    ByteBuffer in = ByteBuffer.wrap(bytes);
    CoderResult result = StandardCharsets.UTF_8.newDecoder().decode(in, text, true);
    if (result.isError()) {
      problems.inFile(
          lineAt(new String(bytes, 0, in.position(), StandardCharsets.ISO_8859_1)),
          "found bytes that are not UTF-8; expected UTF-8 text");
      throw problems.exception();
    }
    String decoded = text.flip().toString();
    return decoded.startsWith("\ufeff") ? decoded.substring(1) : decoded;
  }

  private static byte[] bytes(Path file, Problems problems) {
    try (InputStream in = Files.newInputStream(file)) {
      byte[] bytes = in.readNBytes(MAX_BYTES + 1);
      if (bytes.length <= MAX_BYTES) {
        return bytes;
      }
      problems.ofFile("larger than 8 MiB; expected less");
    } catch (NoSuchFileException e) {
      problems.ofFile("cannot be read: no such file");
    } catch (AccessDeniedException e) {
      problems.ofFile("cannot be read: permission denied");
    } catch (IOException e) {
      problems.ofFile("cannot be read: " + (Files.isDirectory(file) ? "a directory" : e));
    }
    throw problems.exception();
  }

  /** The document's root, or empty if there is none. Throws {@link ConfigException} if not YAML. */
  static Optional<Node> compose(String yaml, Problems problems) {
    checkLines(yaml, problems);
    LoaderOptions options = new LoaderOptions();
    options.setCodePointLimit(MAX_BYTES);
    options.setMaxAliasesForCollections(MAX_ALIASES);
    options.setNestingDepthLimit(MAX_DEPTH);
    try {
      return Optional.ofNullable(new Yaml(options).compose(new StringReader(yaml)));
    } catch (MarkedYAMLException e) {
      problems.inFile(e.getProblemMark().getLine() + 1, "not YAML: " + problem(e));
    } catch (ReaderException e) {
      problems.inFile(
          lineAt(yaml.substring(0, yaml.offsetByCodePoints(0, e.getPosition()))),
          String.format("found the character U+%04X; expected printable text", e.getCodePoint()));
    } catch (YAMLException e) {
      problems.ofFile(
          "too deep or too many aliases: " + Syntax.escape(String.valueOf(e.getMessage())));
    }
    throw problems.exception();
  }

  private static void checkLines(String yaml, Problems problems) {
    int line = 1;
    int start = 0;
    for (int end = 0; end <= yaml.length(); end++) {
      if (end == yaml.length() || yaml.charAt(end) == '\n') {
        if (end - start > MAX_LINE) {
          problems.inFile(line, "longer than 256 KiB; expected shorter lines");
          throw problems.exception();
        }
        line++;
        start = end + 1;
      }
    }
  }

  private static String problem(MarkedYAMLException e) {
    String context = e.getContext() == null ? "" : e.getContext() + ", ";
    return Syntax.escape(context + e.getProblem());
  }

  private static int lineAt(String before) {
    return 1 + (int) before.chars().filter(c -> c == '\n').count();
  }
}
