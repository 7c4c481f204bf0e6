// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.Streams;
import io.flowmirror.topology.PodName;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code flowmirror explain}: why a pod's packets are seen, or not. */
@Command(
    name = "explain",
    description =
        "Say why a pod's packets are seen at the mirror port, or not: a chain of links from who"
            + " asked to what was counted, and what to do about the first that is broken.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nExit code 1 if a link is broken.%n%nExamples:%n",
    footer = {
      "  flowmirror explain shop/cart",
      "  flowmirror explain shop/cart -o json | jq -r .firstBroken.advice"
    })
final class ExplainCommand extends RemoteCommand {
  private static final String BROKEN = "broken";

  @Mixin private final OutputOptions output = new OutputOptions();

  @Parameters(paramLabel = "NS/POD", converter = Words.Pod.class, description = "The pod.")
  private PodName pod = Words.NO_POD;

  @Override
  public Integer call() {
    Remote remote = remote();
    String path = Remote.path("pods", pod.namespace(), pod.name(), "explain");
    boolean broken = output.isTable() ? text(remote, path) : document(remote.get(path));
    return broken ? Flowmirror.FAILED : Flowmirror.DONE;
  }

  private boolean document(JsonNode found) {
    output.print(out(), found);
    return Streams.stream(found.path("links"))
        .anyMatch(link -> link.path("verdict").asText().equals(BROKEN));
  }

  /** Each link is a line, which begins with the verdict. */
  private boolean text(Remote remote, String path) {
    boolean broken = false;
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(remote.text(path, ImmutableMap.of()), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        broken |= line.startsWith(BROKEN + " ");
        out().println(Table.shown(line));
      }
      out().flush();
      return broken;
    } catch (IOException e) {
      throw remote.broken(e);
    }
  }
}
