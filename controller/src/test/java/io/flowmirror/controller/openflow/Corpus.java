// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.openflow;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.common.collect.ImmutableList;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

/**
 * What real switches have sent, as it was on the wire, one message after the other; see {@code
 * corpus/README.md}.
 */
final class Corpus {
  /** OFPMP_FLOW replies of OVN's br-int on each of two nodes. */
  static final ImmutableList<String> OVN = ImmutableList.of("ovn-23.03-n1.gz", "ovn-23.03-n2.gz");

  /** OFPMP_FLOW replies of a br-int with the entries of every-entry.txt. */
  static final String EVERY_ENTRY = "every-entry.gz";

  /** All files of OFPMP_FLOW replies. */
  static final ImmutableList<String> FLOWS =
      ImmutableList.<String>builder().addAll(OVN).add(EVERY_ENTRY).build();

  /** All that Open vSwitch said to a session: handshake, changes, errors, monitor updates. */
  static final String SESSION = "session.gz";

  private Corpus() {}

  /** The messages of one file. */
  static ImmutableList<byte[]> messages(String file) {
    try (InputStream in = new GZIPInputStream(new ByteArrayInputStream(bytes(file)))) {
      return split(in.readAllBytes());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Cuts a stream of messages by their lengths. */
  static ImmutableList<byte[]> split(byte[] stream) {
    ImmutableList.Builder<byte[]> messages = ImmutableList.builder();
    int at = 0;
    while (at < stream.length) {
      int end = at + Frames.uint16(stream, at + 2);
      messages.add(Arrays.copyOfRange(stream, at, end));
      at = end;
    }
    return messages.build();
  }

  static String text(String file) {
    return new String(bytes(file), UTF_8);
  }

  /** Writes a file anew, if {@code -Dcorpus.write=true} says so. */
  static void write(String file, List<byte[]> messages) {
    if (!Boolean.getBoolean("corpus.write")) {
      return;
    }
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(source(file)))) {
      for (byte[] message : messages) {
        out.write(message);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static byte[] bytes(String file) {
    try (InputStream in = Corpus.class.getResourceAsStream("corpus/" + file)) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A file of the corpus in the checkout, for a test that runs in this module's folder. */
  static Path source(String file) {
    String folder = Corpus.class.getPackageName().replace('.', '/') + "/corpus";
    return Path.of("src/test/resources", folder, file);
  }

  /** The checkout that this module is part of. */
  static Path checkout() {
    Path folder = Path.of("").toAbsolutePath();
    while (!Files.isExecutable(folder.resolve("sandbox/sandbox"))) {
      folder = folder.getParent();
    }
    return folder;
  }
}
