// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;
import com.google.common.collect.ImmutableList;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.util.Iterator;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** The option that says for whom a result is written: people, or programs. */
final class OutputOptions {
  /** How a result is written. */
  enum Format {
    TABLE,
    JSON,
    YAML
  }

  /** The formats' names, for a shell that completes them. */
  static final class Names implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return ImmutableList.of("table", "json", "yaml").iterator();
    }
  }

  /** Reads a format's name. */
  static final class Reader implements ITypeConverter<Format> {
    @Override
    public Format convert(String text) {
      return switch (text) {
        case "table" -> Format.TABLE;
        case "json" -> Format.JSON;
        case "yaml" -> Format.YAML;
        default -> throw new TypeConversionException("expected table, json or yaml");
      };
    }
  }

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FORMAT",
      defaultValue = "table",
      converter = Reader.class,
      completionCandidates = Names.class,
      description =
          "${COMPLETION-CANDIDATES}: for people, or all there is for programs (default:"
              + " ${DEFAULT-VALUE}).")
  private Format format = Format.TABLE;

  /** Whether it is for people. */
  boolean isTable() {
    return format == Format.TABLE;
  }

  /** Writes a document for programs. */
  void print(PrintWriter out, JsonNode document) {
    try (JsonGenerator generator = generator(out, true)) {
      generator.setCodec(Remote.JSON);
      generator.writeTree(document);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
    finish(out);
  }

  /** Writes a document of a sequence that has no end: a line of JSON, or a document of YAML. */
  void printOne(PrintWriter out, JsonNode document) {
    if (format == Format.YAML) {
      out.println("---");
      print(out, document);
    } else {
      out.println(document);
    }
    out.flush();
  }

  /** A generator that leaves {@code out} open. */
  JsonGenerator generator(PrintWriter out, boolean indented) throws IOException {
    JsonFactory factory =
        format == Format.YAML
            ? YAMLFactory.builder()
                .disable(YAMLGenerator.Feature.WRITE_DOC_START_MARKER)
                .disable(YAMLGenerator.Feature.SPLIT_LINES)
                .enable(YAMLGenerator.Feature.MINIMIZE_QUOTES)
                .enable(YAMLGenerator.Feature.ALWAYS_QUOTE_NUMBERS_AS_STRINGS)
                .build()
            : Remote.JSON.getFactory();
    JsonGenerator generator =
        factory.createGenerator(out).disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET);
    if (indented && format == Format.JSON) {
      generator.useDefaultPrettyPrinter();
    }
    return generator;
  }

  /** Copies the one document of a stream, which is never in memory as a whole. */
  static void copy(InputStream in, JsonGenerator generator) throws IOException {
    try (JsonParser parser = Remote.JSON.getFactory().createParser(in)) {
      parser.nextToken();
      generator.copyCurrentStructure(parser);
    }
  }

  /** Ends the last line. */
  void finish(PrintWriter out) {
    if (format == Format.JSON) {
      out.println();
    }
    out.flush();
  }
}
