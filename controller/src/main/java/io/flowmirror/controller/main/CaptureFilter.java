// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.main;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableMap;
import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Tells one pod's copies from those of the other pods that are mirrored to the same port, by its
 * MAC address. That is what OVN's own entries say: the one that delivers to its logical port what
 * is sent to its address ({@code ls_in_l2_lkup} of ovn-northd(8)).
 */
final class CaptureFilter {
  /**
   * {@code eth_dst} without a mask (OpenFlow 1.3, 7.2.3), which entries of ours do not have: the
   * controller shows it as it came.
   */
  private static final Pattern TO_ADDRESS = Pattern.compile("oxm:80000606([0-9a-f]{12})");

  private static final int GROUP_BIT = 1;

  private CaptureFilter() {}

  /**
   * The address of a pod's interface, if OVN's entries tell it.
   *
   * @param port of the pod, as the REST API shows it
   */
  static Optional<String> address(Remote remote, String node, JsonNode port) {
    if (!port.has("datapathKey") || !port.has("portKey")) {
      return Optional.empty();
    }
    String metadata = "metadata=0x" + Long.toHexString(port.path("datapathKey").asLong());
    String delivers = "set_field:0x" + Long.toHexString(port.path("portKey").asLong()) + "->reg15";
    try (InputStream in =
            remote.json(Remote.path("nodes", node, "flows"), ImmutableMap.of("owner", "ovn"));
        JsonParser json = Remote.JSON.getFactory().createParser(in)) {
      json.setCodec(Remote.JSON);
      while (json.nextToken() != null) {
        if (json.currentToken() != JsonToken.FIELD_NAME || !json.currentName().equals("entries")) {
          continue;
        }
        json.nextToken();
        while (json.nextToken() == JsonToken.START_OBJECT) {
          JsonNode entry = json.readValueAsTree();
          Optional<String> found = address(entry, metadata, delivers);
          if (found.isPresent()) {
            return found;
          }
        }
        return Optional.empty();
      }
      return Optional.empty();
    } catch (IOException e) {
      throw remote.broken(e);
    }
  }

  static Optional<String> address(JsonNode entry, String metadata, String delivers) {
    var match = Splitter.on(',').splitToList(entry.path("match").asText(""));
    var actions = Splitter.on(',').splitToList(entry.path("actions").asText(""));
    if (match.size() != 2 || !match.contains(metadata) || !actions.contains(delivers)) {
      return Optional.empty();
    }
    for (String part : match) {
      Matcher address = TO_ADDRESS.matcher(part);
      if (address.matches()) {
        return Optional.of(address.group(1))
            .filter(digits -> (Integer.parseInt(digits.substring(0, 2), 16) & GROUP_BIT) == 0)
            .map(digits -> String.join(":", Splitter.fixedLength(2).split(digits)));
      }
    }
    return Optional.empty();
  }

  /**
   * The filter.
   *
   * @param address of the pod, if it is known
   * @param alone whether no other pod is mirrored to the same port: a frame to a group of addresses
   *     that another has sent is then the pod's copy for certain
   * @param more what else a frame has to be; empty for nothing
   */
  static String of(Optional<String> address, boolean alone, String more) {
    String mine =
        address.map(mac -> "ether host " + mac + (alone ? " or ether multicast" : "")).orElse("");
    if (mine.isEmpty() || more.isEmpty()) {
      return mine + more;
    }
    return "(" + mine + ") and (" + more + ")";
  }
}
