// SPDX-License-Identifier: Apache-2.0
package io.flowmirror.controller.northbound;

import com.fasterxml.jackson.core.JsonGenerator;
import com.google.common.collect.ImmutableList;
import io.flowmirror.config.Direction;
import io.flowmirror.config.Mirror;
import io.flowmirror.controller.northbound.Caller.Verb;
import io.flowmirror.controller.reconcile.NodeStatus;
import io.flowmirror.flows.Action;
import io.flowmirror.flows.EntryFilter;
import io.flowmirror.flows.Field;
import io.flowmirror.flows.FlowEntry;
import io.flowmirror.flows.FlowText;
import io.flowmirror.flows.InstalledEntry;
import io.flowmirror.flows.OvnPipeline;
import io.flowmirror.topology.PodName;
import io.flowmirror.topology.PodPort;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;

/**
 * A node's entries, each with whose it is, what it is for, and whether it is as it should be. As
 * text, a line that is not a comment is an entry as ovs-ofctl prints and reads it.
 *
 * <p>It is written as it is read: a dump of all of OVN's entries is never in memory as a whole.
 */
final class FlowDump {
  /** As long as the switch itself is given. */
  private static final long PATIENCE_SECONDS = 65;

  private final World world;
  private final Exchange exchange;
  private final String node;
  private final NodeStatus status;
  private final String view;
  private final Optional<PodName> only;
  private final Optional<Integer> table;
  private final boolean ovns;

  FlowDump(World world, Exchange exchange, String node, NodeStatus status) {
    this.world = world;
    this.exchange = exchange;
    this.node = node;
    this.status = status;
    this.view =
        exchange
            .query("view", Exchange.oneOf("all", "installed", "desired", "drift"))
            .orElse("all");
    this.only = exchange.query("pod", FlowDump::pod);
    this.table = exchange.query("table", Exchange.number(0, 254));
    this.ovns = exchange.query("owner", Exchange.oneOf("ours", "ovn")).orElse("ours").equals("ovn");
  }

  private static PodName pod(String text) {
    Mirror named = Mirror.of(text, Direction.BOTH);
    return new PodName(named.namespace(), named.pod());
  }

  void write() throws IOException {
    exchange.caller().demand(Verb.GET, only.map(PodName::namespace).orElse(""));
    boolean text = exchange.wantsText();
    if (ovns && !view.equals("all") && !view.equals("installed")) {
      throw Problem.badRequest("query parameter view: OVN's entries are installed, or all");
    }
    if (status.node().datapath().isEmpty()) {
      throw Problem.unavailable("nothing is known of its entries: " + why());
    }
    // Before the first byte, so that what fails at once is still an error.
    List<EntryFilter> filters = ovns ? filters() : List.of();
    String mediaType = text ? Exchange.TEXT : Exchange.JSON;
    if (exchange.isHead(mediaType)) {
      return;
    }
    OutputStream out = exchange.stream(mediaType);
    if (text) {
      writeText(out, filters);
    } else {
      writeJson(out, filters);
    }
    // Not after a failure: the client would take a part for the whole.
    out.close();
  }

  private String why() {
    return status.waiting().isEmpty() ? "no connection yet" : status.waiting().get(0).words();
  }

  // Which.

  private void each(List<EntryFilter> filters, Consumer<FlowLine> sink) {
    if (ovns) {
      for (EntryFilter filter : filters) {
        Exchange.await(
            world.dump(
                node,
                filter,
                batch ->
                    batch.stream()
                        .filter(there -> !there.isOurs() && concerns(there.entry()))
                        .forEach(there -> sink.accept(ovn(there)))),
            PATIENCE_SECONDS);
      }
    } else {
      new OurEntries(status, selection()).each(sink);
    }
  }

  private OurEntries.Selection selection() {
    return new OurEntries.Selection(view, only, table);
  }

  /** What to ask the switch for: of a pod, what concerns its ports; else everything. */
  private List<EntryFilter> filters() {
    EntryFilter all = table.map(EntryFilter.ALL::inTable).orElse(EntryFilter.ALL);
    if (only.isEmpty()) {
      return List.of(all);
    }
    List<EntryFilter> filters = new ArrayList<>();
    for (PodPort port : ports()) {
      if (table.isEmpty() || table.get() == OvnPipeline.INGRESS_TABLE) {
        filters.add(all.inTable(OvnPipeline.INGRESS_TABLE).withInPort(port.ofport()));
      }
      int delivery = status.node().datapath().orElseThrow().deliveryTable().orElse(-1);
      if (delivery >= 0 && (table.isEmpty() || table.get() == delivery)) {
        filters.add(all.inTable(delivery).withOutPort(port.ofport()));
      }
    }
    if (filters.isEmpty() && ports().isEmpty()) {
      throw Problem.notFound(only.get() + " has no port on this node");
    }
    return filters;
  }

  private List<PodPort> ports() {
    return status.node().podPorts().stream()
        .filter(port -> only.isEmpty() || port.pod().equals(only.get()))
        .toList();
  }

  private boolean concerns(FlowEntry entry) {
    return table.isEmpty() || entry.key().table() == table.get();
  }

  private FlowLine ovn(InstalledEntry there) {
    Optional<PodName> pod = ownerOf(there.entry());
    return new FlowLine(
        there.entry(),
        Optional.of(there),
        pod,
        OvnPipeline.purpose(there.entry()).orElse("OVN's own"),
        "ovn",
        ImmutableList.of());
  }

  private Optional<PodName> ownerOf(FlowEntry entry) {
    OptionalLong inPort = entry.key().match().exact(Field.IN_PORT);
    return status.node().podPorts().stream()
        .filter(
            port ->
                (inPort.isPresent() && inPort.getAsLong() == port.ofport())
                    || entry.actions().contains(new Action.Output(port.ofport())))
        .map(PodPort::pod)
        .findFirst();
  }

  // How.

  private void writeText(OutputStream out, List<EntryFilter> filters) {
    if (ovns) {
      line(out, "# node " + node + ", OVN's entries");
    } else {
      boolean whole = exchange.caller().may(Verb.GET, "");
      FlowsReport.head(node, status, selection(), whole).forEach(head -> line(out, head));
    }
    each(filters, line -> line.text().forEach(each -> line(out, each)));
  }

  private static void line(OutputStream out, String text) {
    try {
      out.write((text + "\n").getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void writeJson(OutputStream out, List<EntryFilter> filters) throws IOException {
    JsonGenerator json = Json.MAPPER.getFactory().createGenerator(out);
    json.writeStartObject();
    json.writeStringField("node", node);
    json.writeStringField("owner", ovns ? "ovn" : "ours");
    json.writeStringField("view", view);
    json.writeArrayFieldStart("entries");
    each(
        filters,
        line -> {
          try {
            write(json, line);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
    json.writeEndArray();
    json.writeEndObject();
    json.flush();
  }

  private static void write(JsonGenerator json, FlowLine line) throws IOException {
    FlowEntry entry = line.entry();
    json.writeStartObject();
    json.writeStringField("entry", FlowText.dump(entry));
    json.writeNumberField("table", entry.key().table());
    json.writeNumberField("priority", entry.key().priority());
    json.writeStringField("match", FlowText.format(entry.key().match()));
    json.writeStringField("actions", FlowText.formatActions(entry.actions()));
    json.writeStringField("cookie", "0x" + Long.toHexString(entry.cookie()));
    if (line.pod().isPresent()) {
      json.writeStringField("pod", line.pod().get().toString());
    }
    json.writeStringField("purpose", line.words());
    json.writeStringField("state", line.state());
    if (line.there().isPresent()) {
      json.writeNumberField("packets", line.there().get().packets());
      json.writeNumberField("bytes", line.there().get().bytes());
      json.writeNumberField("ageSeconds", line.there().get().age());
    }
    json.writeEndObject();
  }
}
