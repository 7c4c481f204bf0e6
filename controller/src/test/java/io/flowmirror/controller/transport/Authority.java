// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.transport;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** A certificate authority for tests: openssl(1), and a folder for the files. */
public final class Authority {
  private final Path folder;
  private final String name;

  /** One with a new key. */
  public Authority(Path folder, String name) {
    this.folder = folder;
    this.name = name;
    openssl(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30"
            + (" -keyout " + name + ".key -out " + name + ".pem"),
        "-subj",
        "/CN=" + name);
  }

  /** Its own certificate. */
  public Path certificate() {
    return folder.resolve(name + ".pem");
  }

  /**
   * A key, and a certificate that is signed here.
   *
   * @param key PEM, PKCS#8
   */
  public record Signed(Path key, Path certificate) {}

  /** One for this name, for a month. */
  public Signed sign(String file, String commonName) {
    return sign(file, commonName, "", "ec -pkeyopt ec_paramgen_curve:P-256", 30);
  }

  /**
   * Signs.
   *
   * @param file the files' name
   * @param alternatives as openssl writes subjectAltName; none if empty
   * @param newKey as {@code openssl req -newkey} wants it
   * @param days from now until the end; may be negative
   */
  public Signed sign(String file, String commonName, String alternatives, String newKey, int days) {
    openssl(
        "req -newkey " + newKey + " -nodes -keyout " + file + ".key -out " + file + ".csr",
        ImmutableList.<String>builder()
            .add("-subj", "/CN=" + commonName)
            .addAll(
                alternatives.isEmpty()
                    ? ImmutableList.of()
                    : ImmutableList.of("-addext", "subjectAltName=" + alternatives))
            .build()
            .toArray(String[]::new));
    openssl(
        "x509 -req -in "
            + file
            + ".csr -copy_extensions copy -CA "
            + name
            + ".pem -CAkey "
            + name
            + ".key -CAcreateserial -out "
            + file
            + ".pem -days "
            + days);
    return new Signed(folder.resolve(file + ".key"), folder.resolve(file + ".pem"));
  }

  /** The credentials of one who has this, and trusts those that are signed here. */
  public Credentials.Source trust(Signed own) {
    return () -> Credentials.read(own.key(), own.certificate(), certificate());
  }

  /** Runs openssl in the folder with these words, and those that may have spaces. */
  void openssl(String words, String... more) {
    try {
      Process process =
          new ProcessBuilder(
                  ImmutableList.<String>builder()
                      .add("openssl")
                      .add(words.split(" "))
                      .add(more)
                      .build())
              .directory(folder.toFile())
              .redirectErrorStream(true)
              .start();
      process.getOutputStream().close();
      String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(process.waitFor()).as("openssl %s: %s", words, said).isZero();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
