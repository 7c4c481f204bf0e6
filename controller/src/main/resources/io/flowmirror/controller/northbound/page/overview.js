// SPDX-License-Identifier: Apache-2.0
// All nodes and all pods.

import { badge, el, fill, setAttribute, setBadge, setText, table, textColumn } from "./dom.js";
import { buttons, howLong } from "./mirror.js";
import { MOST_NODES, onRates, ratesOf, sum, want } from "./rates.js";
import { isAmongAll, subscribe, world } from "./world.js";
import { clock, count, millis, nodeState, number, podState, portState, rate } from "./words.js";

const NODES_A_PAGE = 25;
const PODS_A_PAGE = 50;

/** The filter outlives the view, so that going back finds the same list. */
const filter = { text: "", namespace: "", node: "", which: "" };

const names = new Intl.Collator("en", { numeric: true });

/** In words, what ails a node most. */
function ailing(node) {
  if (node.complaints.length) {
    const more = node.complaints.length - 1;
    return node.complaints[0] + (more ? ` (and ${number(more)} more)` : "");
  }
  return "";
}

export function podLink(pod) {
  return `#/pods/${encodeURIComponent(pod.namespace)}/${encodeURIComponent(pod.name)}`;
}

const nodeColumns = [
  {
    name: "Node",
    order: (a, b) => names.compare(a.name, b.name),
    kind: "name",
    cell: (td, node) => {
      td.append(el("a", { href: `#/nodes/${encodeURIComponent(node.name)}` }, node.name));
    },
  },
  {
    name: "State",
    order: (a, b) => a.state.localeCompare(b.state),
    cell: (td) => {
      const state = badge("", "quiet");
      const why = el("span", { class: "why" });
      td.append(state, why);
      return (node) => {
        setBadge(state, ...nodeState(node));
        setText(why, ailing(node));
        why.hidden = why.textContent === "";
      };
    },
  },
  {
    name: "Mirror port",
    cell: (td) => {
      const name = el("span", {});
      const state = badge("", "quiet");
      td.append(el("span", {}, name, " ", state));
      return (node) => {
        const port = node.mirrorPort;
        setText(name, port ? port.name : "–");
        state.hidden = !port;
        if (port) {
          setBadge(state, ...portState(port));
        }
      };
    },
  },
  textColumn("Mirrored", (node) => `${number(node.mirroredPods)} of ${number(node.podPorts)}`, {
    kind: "number",
    order: (a, b) => a.mirroredPods - b.mirroredPods,
    biggestFirst: true,
  }),
  textColumn("Entries", (node) => `${number(node.entries.installed)} of ${number(node.entries.wanted)}`, {
    kind: "number",
  }),
  {
    name: "Drift",
    cell: (td) => {
      const state = badge("", "quiet");
      td.append(state);
      return (node) => {
        const none = node.entries.drift === "none" || node.entries.drift === "in sync";
        setBadge(state, node.entries.drift, none ? "quiet" : "warn");
      };
    },
  },
  textColumn("Last repair", (node) => {
    const last = node.lastRepair;
    if (!last) {
      return "–";
    }
    const gap = last.gapMillis === undefined ? "" : last.gapMillis > 0 ? `, gap ${millis(last.gapMillis)}` : ", no gap";
    return `${clock(last.noticed)} ${last.cause}${gap}`;
  }),
];

const podColumns = [
  {
    name: "Pod",
    kind: "name",
    order: (a, b) => names.compare(`${a.namespace}/${a.name}`, `${b.namespace}/${b.name}`),
    cell: (td, pod) => {
      td.append(el("a", { href: podLink(pod) }, `${pod.namespace}/${pod.name}`));
      if (pod.interface) {
        td.append(" ", el("span", { class: "hint" }, pod.interface));
      }
    },
  },
  textColumn("Node", (pod) => pod.node ?? "–", {
    order: (a, b) => names.compare(a.node ?? "", b.node ?? ""),
  }),
  {
    name: "Mirror",
    order: (a, b) => a.state.localeCompare(b.state),
    cell: (td) => {
      const state = badge("", "quiet");
      const why = el("span", { class: "why" });
      td.append(state, why);
      return (pod) => {
        setBadge(state, ...podState(pod));
        setText(why, pod.reason);
        why.hidden = pod.reason === "";
      };
    },
  },
  textColumn("Asked for by", (pod) => {
    const by = pod.askedBy.join(", ") || (pod.state === "not-mirrored" ? "" : "the Kubernetes API");
    const long = howLong(pod);
    return long ? `${by}, ${long}` : by;
  }),
  rateColumn("From the pod", "from"),
  rateColumn("To the pod", "to"),
  {
    name: "",
    kind: "action",
    cell: (td, pod) => buttons(td, pod),
  },
];

function rateColumn(name, which) {
  const now = (pod) => ratesOf(pod)?.[`${which}Rate`]?.packets ?? -1;
  return {
    name,
    kind: "rate",
    biggestFirst: true,
    order: (a, b) => now(a) - now(b),
    cell: (td) => {
      const fast = el("span", {});
      const total = el("span", { class: "hint" });
      td.append(fast, total);
      return (pod) => {
        setAttribute(td, "data-empty", pod.state === "not-mirrored");
        if (pod.state === "not-mirrored") {
          setText(fast, "");
          setText(total, "");
          return;
        }
        if (which === "from" && isAmongAll(pod)) {
          setText(fast, "–");
          setText(total, "counted for all at once");
          return;
        }
        const known = ratesOf(pod);
        const copies = known?.[which] ?? pod.copies[which === "from" ? "fromPod" : "toPod"];
        setText(fast, rate(known?.[`${which}Rate`]));
        setText(total, `${number(copies.packets)} in all`);
      };
    },
  };
}

function fits(pod) {
  return (
    (filter.text === "" || `${pod.namespace}/${pod.name} ${pod.node ?? ""}`.toLowerCase().includes(filter.text)) &&
    (filter.namespace === "" || pod.namespace === filter.namespace) &&
    (filter.node === "" || pod.node === filter.node) &&
    (filter.which === "" ||
      (filter.which === "mirrored" && pod.state !== "not-mirrored") ||
      pod.state === filter.which)
  );
}

function choices(select, first, values) {
  const key = values.join("\n");
  if (select.dataset.key === key) {
    return;
  }
  select.dataset.key = key;
  const chosen = select.value;
  fill(select, el("option", { value: "" }, first), ...values.map((value) => el("option", { value }, value)));
  select.value = values.includes(chosen) ? chosen : "";
}

export function overview() {
  const summary = el("p", { class: "summary" });
  const asking = el("p", { class: "loading" }, "Asking the controller…");
  const nodes = table({
    label: "Nodes",
    columns: nodeColumns,
    key: (node) => node.name,
    size: NODES_A_PAGE,
    empty: "The controller serves no node yet.",
    onPage: look,
  });
  const pods = table({
    label: "Pods",
    columns: podColumns,
    key: (pod) => `${pod.namespace}/${pod.name}/${pod.interface}/${pod.node ?? ""}/${pod.port?.name ?? ""}`,
    size: PODS_A_PAGE,
    empty: "No pod is like that.",
    onPage: look,
  });
  const text = el("input", {
    type: "search",
    placeholder: "Name or node",
    "aria-label": "Pods whose name or node has",
    autocomplete: "off",
    spellcheck: "false",
    value: filter.text,
  });
  const namespace = el("select", { "aria-label": "Namespace" });
  const node = el("select", { "aria-label": "Node" });
  const which = el(
    "select",
    { "aria-label": "Mirrored or not" },
    el("option", { value: "" }, "All pods"),
    el("option", { value: "mirrored" }, "Asked for"),
    el("option", { value: "pending" }, "Pending"),
    el("option", { value: "not-mirrored" }, "Not mirrored"),
  );
  which.value = filter.which;
  const found = el("p", { class: "hint", role: "status" });
  const form = el(
    "form",
    { class: "filter", hidden: true, role: "search", "aria-label": "Pods", submit: (event) => event.preventDefault() },
    text,
    namespace,
    node,
    which,
    found,
  );
  form.addEventListener("input", () => {
    filter.text = text.value.trim().toLowerCase();
    filter.namespace = namespace.value;
    filter.node = node.value;
    filter.which = which.value;
    showPods(true);
    look();
  });

  function showPods(first) {
    const fitting = world.pods.filter(fits);
    pods.show(fitting, first);
    const more = world.total > world.pods.length ? ` The first ${number(world.pods.length)} of ${number(world.total)} are looked at.` : "";
    setText(
      found,
      (fitting.length === world.pods.length
        ? count(fitting.length, "interface", "interfaces")
        : `${number(fitting.length)} of ${count(world.pods.length, "interface", "interfaces")}`) + more,
    );
  }

  /** The counters of those nodes are read whose pods are seen; of all, where they are few. */
  function look() {
    const tapped = world.nodes.filter((each) => each.mirroredPods > 0 && each.connections.openflow);
    const seen = new Set(pods.visible().filter((pod) => pod.state !== "not-mirrored").map((pod) => pod.node));
    want(tapped.filter((each) => tapped.length <= MOST_NODES || seen.has(each.name)).map((each) => each.name));
  }

  function isKnown() {
    return world.nodesKnown && world.podsKnown;
  }

  function sumUp() {
    if (!isKnown()) {
      return;
    }
    const inSync = world.nodes.filter((each) => each.inSync).length;
    const asked = world.pods.filter((each) => each.state !== "not-mirrored");
    const pending = asked.filter((each) => each.state === "pending").length;
    // Only where every copy is counted, and every counter read.
    const tapped = world.nodes.filter((each) => each.mirroredPods > 0);
    const total = tapped.length > MOST_NODES || tapped.some((each) => each.everything) ? null : sum();
    fill(
      summary,
      el("span", {}, `${number(inSync)} of ${count(world.nodes.length, "node", "nodes")} in sync`),
      el("span", {}, `${number(asked.length)} of ${count(world.total, "interface", "interfaces")} mirrored`),
      pending ? el("span", { class: "tone-bad" }, `${number(pending)} pending`) : null,
      total ? el("span", {}, `copies ${rate(total)}`) : null,
    );
  }

  function update() {
    if (!isKnown()) {
      return;
    }
    form.hidden = false;
    asking.remove();
    choices(namespace, "All namespaces", [...new Set(world.pods.map((pod) => pod.namespace))].sort(names.compare));
    choices(node, "All nodes", world.nodes.map((each) => each.name));
    if (namespace.value !== filter.namespace || node.value !== filter.node) {
      namespace.value = filter.namespace;
      node.value = filter.node;
    }
    nodes.show(world.nodes);
    showPods(false);
    sumUp();
    look();
  }

  const ends = [
    subscribe(update),
    onRates(() => {
      if (isKnown()) {
        pods.redraw();
        sumUp();
      }
    }),
  ];
  update();
  return {
    title: "Overview",
    content: [
      el("div", { class: "bar" }, el("h1", { tabindex: "-1" }, "Overview"), asking, summary),
      el("section", { class: "panel", "aria-labelledby": "nodes-title" }, el("h2", { id: "nodes-title" }, "Nodes"), nodes.element),
      el(
        "section",
        { class: "panel", "aria-labelledby": "pods-title" },
        el("div", { class: "bar" }, el("h2", { id: "pods-title" }, "Pods"), form),
        pods.element,
      ),
    ],
    end: () => ends.forEach((end) => end()),
  };
}

