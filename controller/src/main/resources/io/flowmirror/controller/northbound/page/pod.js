// SPDX-License-Identifier: Apache-2.0
// One pod: what is asked for, what is copied, why not, and its entries.

import { chart } from "./chart.js";
import { badge, el, facts, fill, setBadge, setText } from "./dom.js";
import { onEvent } from "./events.js";
import { explanation } from "./explain.js";
import { changes, ours, ovns } from "./flows.js";
import { asked, fields, howLong, turnOff, turnOn } from "./mirror.js";
import { onRates, ratesOf, want } from "./rates.js";
import { isAmongAll, subscribe, world } from "./world.js";
import { bytes, direction, moment, number, podState, rate } from "./words.js";

const FACTS = ["Node", "Port", "Logical port", "Asked for by", "Copied", "Ends", "Pending because"];

function section(title, ...content) {
  const id = `s-${title.toLowerCase().replaceAll(/[^a-z]+/g, "-")}`;
  return el("section", { class: "panel", "aria-labelledby": id }, el("h2", { id }, title), ...content);
}

/** An interface's own facts and numbers. */
function port() {
  const state = badge("", "quiet");
  const name = el("h3", {});
  const its = facts(FACTS);
  const node = el("a", {});
  const numbers = {};
  const body = el("tbody", {});
  for (const [which, text] of [
    ["from", "From the pod"],
    ["to", "To the pod"],
  ]) {
    const cells = { now: el("td", { class: "number" }), packets: el("td", { class: "number" }), bytes: el("td", { class: "number" }) };
    numbers[which] = cells;
    body.append(el("tr", {}, el("th", { scope: "row" }, text), cells.now, cells.packets, cells.bytes));
  }
  const curve = chart();
  const copies = el(
    "div",
    { class: "copies" },
    el(
      "table",
      { class: "small", "aria-label": "Copies" },
      el(
        "thead",
        {},
        el("tr", {}, el("td", {}), ...["Now", "Packets", "Bytes"].map((head) => el("th", { scope: "col", class: "number" }, head))),
      ),
      body,
    ),
    curve.element,
  );
  const element = el("div", { class: "port" }, el("div", { class: "bar" }, name, state), its.element, copies);

  function counters(pod) {
    const known = ratesOf(pod);
    for (const which of ["from", "to"]) {
      if (which === "from" && isAmongAll(pod)) {
        setText(numbers[which].now, "counted for all at once");
        setText(numbers[which].packets, "–");
        setText(numbers[which].bytes, "–");
        continue;
      }
      const count = known?.[which] ?? pod.copies[which === "from" ? "fromPod" : "toPod"];
      setText(numbers[which].now, rate(known?.[`${which}Rate`]));
      setText(numbers[which].packets, number(count.packets));
      setText(numbers[which].bytes, bytes(count.bytes));
    }
    curve.update(known?.history ?? []);
  }

  return {
    element,
    counters,
    update(pod) {
      setText(name, pod.interface || "eth0");
      setBadge(state, ...podState(pod));
      setText(node, pod.node ?? "");
      node.href = `#/nodes/${encodeURIComponent(pod.node ?? "")}`;
      const until = asked(pod)?.until;
      its.update([
        pod.node ? node : "on none",
        pod.port ? `${pod.port.name}, port ${pod.port.ofport}` : "none",
        pod.port?.portKey === undefined ? null : `${pod.port.portKey} of logical datapath ${pod.port.datapathKey}`,
        pod.askedBy.join(", ") || null,
        pod.direction ? direction(pod.direction) : null,
        until ? `${moment(until)} (${howLong(pod)})` : null,
        pod.reason || null,
      ]);
      copies.hidden = pod.state === "not-mirrored";
      counters(pod);
    },
  };
}

export function podView(namespace, name) {
  const pod = { namespace, name };
  const whole = `${namespace}/${name}`;
  const ports = el("div", { class: "ports" });
  const shown = new Map();
  const entries = el("div", { class: "entries" });
  const missing = el("p", { class: "empty", hidden: true }, "It is on no node's br-int, and nobody asks for it.");
  let entriesOf = null;
  let ends = [];

  const its = fields(null);
  const on = el("button", { class: "primary" }, "Mirror");
  const off = el("button", { type: "button", hidden: true }, "Turn off");
  const note = el("p", { class: "hint", role: "status" });
  const form = el("form", { class: "ask" }, ...its.elements, on, off, note);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    on.disabled = true;
    if (await turnOn(pod, its.direction.value, its.length.value)) {
      setText(note, "It is asked for.");
    }
    on.disabled = false;
    on.focus();
    why.now();
  });
  off.addEventListener("click", async () => {
    if (await turnOff(pod)) {
      setText(note, "It is not asked for here any more.");
    }
    on.focus();
    why.now();
  });
  const why = explanation(pod);

  function showEntries(node) {
    if (node === entriesOf) {
      return;
    }
    entriesOf = node;
    ends.forEach((end) => end());
    ends = [];
    if (!node) {
      fill(entries);
      return;
    }
    const mine = ours(node, { pod: whole, label: "Our entries", empty: "There are none, and none are wanted." });
    const past = changes(node, whole);
    ends = [mine.end, past.end];
    fill(
      entries,
      section("Our entries", mine.element),
      section("OVN’s entries of its port", ovns(node, whole)),
      section("Changes of our entries", past.element),
    );
  }

  function interfaces() {
    return world.pods.filter((each) => each.namespace === namespace && each.name === name);
  }

  function update() {
    if (!world.podsKnown) {
      return;
    }
    const found = interfaces();
    missing.hidden = found.length > 0;
    const kept = new Set();
    for (const each of found) {
      const key = `${each.interface}/${each.node ?? ""}/${each.port?.name ?? ""}`;
      kept.add(key);
      if (!shown.has(key)) {
        const made = port();
        shown.set(key, made);
        ports.append(made.element);
      }
      shown.get(key).update(each);
    }
    for (const [key, made] of shown) {
      if (!kept.has(key)) {
        made.element.remove();
        shown.delete(key);
      }
    }
    const here = asked(pod);
    off.hidden = !here;
    setText(on, here ? "Renew" : "Mirror");
    const subject = found.find((each) => each.state === "pending" && each.port) ?? found.find((each) => each.state !== "not-mirrored") ?? found[0];
    want(subject?.node ? [subject.node] : []);
    showEntries(subject?.node ?? null);
  }

  const stops = [
    subscribe(update),
    onRates(() => {
      for (const each of interfaces()) {
        shown.get(`${each.interface}/${each.node ?? ""}/${each.port?.name ?? ""}`)?.counters(each);
      }
    }),
    onEvent((event) => {
      if (event.kind !== "entries") {
        why.now();
      }
    }),
  ];
  update();
  return {
    title: whole,
    content: [
      el(
        "div",
        { class: "bar" },
        el("nav", { "aria-label": "Up" }, el("a", { href: "#/" }, "Overview"), " / "),
        el("h1", { tabindex: "-1" }, whole),
        form,
      ),
      el("section", { class: "panel", "aria-label": "Interfaces" }, missing, ports),
      section("Why its packets are seen, or not", why.element),
      entries,
    ],
    end() {
      stops.forEach((stop) => stop());
      ends.forEach((end) => end());
      why.end();
    },
  };
}
