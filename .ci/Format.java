// SPDX-License-Identifier: Apache-2.0

import com.google.googlejavaformat.java.Main;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Checks or writes the format of all Java sources. The build starts it on the JDK that compiles
 * them: google-java-format parses with the compiler of the JDK that it runs on, and mvn itself may
 * run on one that is too old for these sources.
 *
 * <p>Arguments: {@code check} or {@code write}, then the repository's root.
 */
final class Format {
  private static final String LICENCE = "// SPDX-License-Identifier: Apache-2.0";

  private Format() {}

  public static void main(String[] args) throws Exception {
    String mode = args[0];
    if (!mode.equals("check") && !mode.equals("write")) {
      throw new IllegalArgumentException("found -Dformat=" + mode + "; expected check or write");
    }
    List<Path> sources = sources(Path.of(args[1]));
    PrintWriter out = new PrintWriter(System.out, true);
    PrintWriter err = new PrintWriter(System.err, true);
    List<String> command = new ArrayList<>();
    command.add("--skip-reflowing-long-strings");
    if (mode.equals("write")) {
      command.add("--replace");
    } else {
      command.addAll(List.of("--dry-run", "--set-exit-if-changed"));
    }
    sources.forEach(source -> command.add(source.toString()));
    boolean good = new Main(out, err, System.in).format(command.toArray(String[]::new)) == 0;
    if (!good) {
      err.println("These files are not formatted. To format them: make format");
    }
    for (Path source : sources) {
      if (!Files.readString(source).startsWith(LICENCE)) {
        err.println(source + ":1: the first line has to be " + LICENCE);
        good = false;
      }
    }
    System.exit(good ? 0 : 1);
  }

  private static List<Path> sources(Path root) throws IOException {
    List<Path> sources = new ArrayList<>();
    try (Stream<Path> folders = Files.list(root)) {
      for (Path folder : folders.filter(Files::isDirectory).sorted().toList()) {
        addSources(folder.resolve("src"), sources);
      }
    }
    addSources(root.resolve(".ci"), sources);
    return sources;
  }

  private static void addSources(Path folder, List<Path> sources) throws IOException {
    if (Files.isDirectory(folder)) {
      try (Stream<Path> files = Files.walk(folder)) {
        files.filter(file -> file.toString().endsWith(".java")).sorted().forEach(sources::add);
      }
    }
  }
}
