// SPDX-License-Identifier: Apache-2.0
// One node: how it stands, its repairs, its drift.

import { call, get, path } from "./api.js";
import { badge, el, facts, setBadge, setText, table, textColumn } from "./dom.js";
import { onEvent } from "./events.js";
import { changes, ours } from "./flows.js";
import { calm, complain } from "./frame.js";
import { repeat } from "./world.js";
import { millis, moment, nodeState, number, portState } from "./words.js";

const MILLIS = 2_000;
const FACTS = ["Connections", "Datapath", "Open vSwitch", "OVN", "Mirror port", "Who writes", "Pods mirrored", "Entries", "Drift", "Global mode"];
const WRITERS = { us: "this controller", another: "another controller", undecided: "not yet decided" };

const repairColumns = [
  textColumn("Noticed", (repair) => moment(repair.noticed)),
  textColumn("Cause", (repair) => repair.cause),
  textColumn("Entries", (repair) => number(repair.entries), { kind: "number" }),
  textColumn("Took", (repair) => millis(repair.tookMillis), { kind: "number" }),
  textColumn("Gap", (repair) => (repair.gapMillis === undefined ? "not known" : repair.gapMillis > 0 ? millis(repair.gapMillis) : "none"), { kind: "number" }),
  textColumn("In words", (repair) => repair.text, { kind: "purpose" }),
];

function section(title, ...content) {
  const id = `s-${title.toLowerCase().replaceAll(/[^a-z]+/g, "-")}`;
  return el("section", { class: "panel", "aria-labelledby": id }, el("h2", { id }, title), ...content);
}

export function nodeView(name) {
  const state = badge("", "quiet");
  const its = facts(FACTS);
  const complaints = el("ul", { class: "complaints" });
  const problem = el("p", { class: "verdict", "data-tone": "bad", role: "status", hidden: true });
  const repairs = table({
    label: "Repairs",
    columns: repairColumns,
    key: (repair) => `${repair.noticed} ${repair.cause} ${repair.entries}`,
    size: 10,
    empty: "Nothing had to be repaired.",
  });
  const audit = el("button", { type: "button" }, "Audit now");
  const note = el("p", { class: "hint", role: "status" });
  let known = "";

  function connections(node) {
    const word = (there) => (there ? "connected" : "not connected");
    return `OpenFlow ${word(node.connections.openflow)}, OVSDB ${word(node.connections.ovsdb)}`;
  }

  function show(node) {
    setBadge(state, ...nodeState(node));
    const port = node.mirrorPort;
    its.update([
      connections(node),
      node.dpid,
      node.ovsVersion,
      `version ${node.ovnVersion}${node.deliveryTable === undefined ? "" : `; delivers in table ${node.deliveryTable}`}`,
      port ? `${port.name}, ${portState(port)[0]}${port.ofport === undefined ? "" : `, port ${port.ofport}`}` : null,
      WRITERS[node.writer] ?? node.writer,
      `${number(node.mirroredPods)} of ${number(node.podPorts)}`,
      `${number(node.entries.installed)} installed, ${number(node.entries.wanted)} wanted`,
      node.entries.drift,
      node.everything ? "everything is mirrored" : "off",
    ]);
    const content = JSON.stringify(node.complaints);
    if (content !== known) {
      known = content;
      complaints.replaceChildren(...node.complaints.map((each) => el("li", {}, each)));
      complaints.hidden = node.complaints.length === 0;
    }
    repairs.show([...(node.repairs ?? [])].reverse());
  }

  const reading = repeat(
    async () => {
      show(await get(`/v1/nodes${path(name)}`));
      problem.hidden = true;
    },
    MILLIS,
    (found) => {
      problem.hidden = !found;
      setText(problem, found?.message ?? "");
    },
  );
  const drift = ours(name, { view: "drift", label: "Entries that drift", empty: "Every entry is as it should be." });
  const past = changes(name, null);

  audit.addEventListener("click", async () => {
    calm();
    setText(note, "Reading the tables…");
    try {
      await call("POST", `/v1/nodes${path(name)}/audit`);
      setText(note, "The tables have been read.");
    } catch (e) {
      setText(note, "");
      complain(`${name} was not read.`, e);
    }
    reading.now();
    drift.now();
    past.now();
  });
  const stop = onEvent((event) => {
    if (event.node === name) {
      reading.now();
      drift.now();
      past.now();
    }
  });
  return {
    title: name,
    content: [
      el(
        "div",
        { class: "bar" },
        el("nav", { "aria-label": "Up" }, el("a", { href: "#/" }, "Overview"), " / "),
        el("h1", { tabindex: "-1" }, name),
        state,
        audit,
        note,
      ),
      el("section", { class: "panel", "aria-label": "How it stands" }, problem, its.element, complaints),
      section("Repairs", repairs.element),
      section("Drift", drift.element),
      section("Changes of our entries", past.element),
    ],
    end() {
      stop();
      reading.end();
      drift.end();
      past.end();
    },
  };
}
