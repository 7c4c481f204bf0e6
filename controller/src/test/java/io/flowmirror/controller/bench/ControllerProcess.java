// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** {@code bin/flowmirror run} beside this JVM, and what it takes of the machine (proc(5)). */
final class ControllerProcess implements AutoCloseable {
  /** Of the kernel's clock, by which proc counts; 100 on every Linux of today. */
  private static final double TICKS_PER_SECOND = 100;

  /** SerialGC's two generations, as JDK 21 and 25 name them; what follows is no heap. */
  private static final Pattern USED =
      Pattern.compile("(?im)^ *(?:def ?new|tenured)[a-z ]*total \\d+K, used (\\d+)K");

  private final Process process;
  private final Path log;

  /**
   * Starts it.
   *
   * @param options for its JVM, beside those of bin/flowmirror
   * @param more of the command line
   */
  ControllerProcess(Path root, Path config, Path log, String options, String... more)
      throws IOException {
    this.log = log;
    List<String> command = new ArrayList<>();
    command.add(root.resolve("bin/flowmirror").toString());
    command.addAll(List.of("run", "--config", config.toString()));
    command.addAll(List.of(more));
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
    builder.environment().put("FLOWMIRROR_JAVA_OPTS", options);
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    process = builder.start();
    // Whoever ends this JVM ends that one too.
    Runtime.getRuntime().addShutdownHook(new Thread(process::destroy));
  }

  boolean isRunning() {
    return process.isAlive();
  }

  long pid() {
    return process.pid();
  }

  /** Seconds of a processor since its start. */
  double cpuSeconds() throws IOException {
    return cpuSeconds(Long.toString(process.pid()));
  }

  /** The same, of this JVM. */
  static double ownCpuSeconds() throws IOException {
    return cpuSeconds("self");
  }

  /** The same, of the programs that this JVM has started, and that have ended. */
  static double childrensCpuSeconds() throws IOException {
    return ticks("self", 13) / TICKS_PER_SECOND;
  }

  static double cpuSeconds(String pid) throws IOException {
    return ticks(pid, 11) / TICKS_PER_SECOND;
  }

  private static double ticks(String pid, int field) throws IOException {
    String stat = Files.readString(Path.of("/proc", pid, "stat"));
    // After the name in parentheses: field 3 is the state, 14 and 15 are utime and stime, and 16
    // and 17 those of its children.
    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
    return Long.parseLong(fields[field]) + Long.parseLong(fields[field + 1]);
  }

  /** Seconds of a processor by the thread's name, without its numbers. */
  Map<String, Double> cpuSecondsByThread() throws IOException {
    Map<String, Double> seconds = new TreeMap<>();
    try (Stream<Path> tasks = Files.list(Path.of("/proc", Long.toString(pid()), "task"))) {
      for (Path task : tasks.toList()) {
        String stat;
        try {
          stat = Files.readString(task.resolve("stat"));
        } catch (IOException e) {
          // It has ended meanwhile.
          continue;
        }
        String name = stat.substring(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
        double ticks = Long.parseLong(fields[11]) + Long.parseLong(fields[12]);
        seconds.merge(name.replaceAll("[-#\\d ]+$", ""), ticks / TICKS_PER_SECOND, Double::sum);
      }
    }
    return seconds;
  }

  /** Seconds for which this machine's processors have been at work, whoever had them. */
  static double machineSeconds() throws IOException {
    String[] fields = Files.readString(Path.of("/proc/stat")).split("\\s+", 10);
    // user, nice, system; then idle, iowait, irq, softirq, steal.
    double ticks = 0;
    for (int i : new int[] {1, 2, 3, 6, 7, 8}) {
      ticks += Long.parseLong(fields[i]);
    }
    return ticks / TICKS_PER_SECOND;
  }

  long threads() throws IOException {
    return status("Threads");
  }

  double residentMib() throws IOException {
    return status("VmRSS") / 1024.0;
  }

  double peakResidentMib() throws IOException {
    return status("VmHWM") / 1024.0;
  }

  private long status(String key) throws IOException {
    Matcher line =
        Pattern.compile("(?m)^" + key + ":\\s+(\\d+)")
            .matcher(Files.readString(Path.of("/proc", Long.toString(pid()), "status")));
    if (!line.find()) {
      throw new IOException("no " + key + " in proc's status");
    }
    return Long.parseLong(line.group(1));
  }

  long descriptors() throws IOException {
    try (Stream<Path> open = Files.list(Path.of("/proc", Long.toString(pid()), "fd"))) {
      return open.count();
    }
  }

  /** What is alive on the heap after a full collection. */
  double liveHeapMib() throws IOException, InterruptedException {
    jcmd("GC.run");
    Matcher used = USED.matcher(jcmd("GC.heap_info"));
    double sum = 0;
    while (used.find()) {
      sum += Long.parseLong(used.group(1)) / 1024.0;
    }
    return sum;
  }

  String jcmd(String... command) throws IOException, InterruptedException {
    String[] line = new String[command.length + 2];
    line[0] = Path.of(System.getProperty("java.home"), "bin", "jcmd").toString();
    line[1] = Long.toString(pid());
    System.arraycopy(command, 0, line, 2, command.length);
    Process jcmd = new ProcessBuilder(line).redirectErrorStream(true).start();
    String said = new String(jcmd.getInputStream().readAllBytes(), UTF_8);
    if (jcmd.waitFor() != 0) {
      throw new IOException(String.join(" ", line) + ": " + said);
    }
    return said;
  }

  /** The last lines that it has written. */
  String tail() throws IOException {
    try (Stream<String> lines = Files.lines(log)) {
      String[] all = lines.toArray(String[]::new);
      return String.join("\n", Arrays.copyOfRange(all, Math.max(0, all.length - 40), all.length));
    }
  }

  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(20, TimeUnit.SECONDS)) {
        process.destroyForcibly().waitFor();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
