// SPDX-License-Identifier: Apache-2.0
// Entries, ours and OVN's, and how they have changed.

import { get } from "./api.js";
import { badge, el, fill, setBadge, setPieces, setText, table, textColumn } from "./dom.js";
import { repeat } from "./world.js";
import { clock, length, number } from "./words.js";

const MILLIS = 5_000;
const A_PAGE = 25;

function state(text) {
  const word = text.charAt(0).toUpperCase() + text.slice(1);
  const tone = text === "installed" ? "good" : text === "ovn" ? "quiet" : text === "held" ? "warn" : "bad";
  return [text === "ovn" ? "OVN's" : word, tone];
}

function columns(withPod) {
  const all = [
    {
      name: "State",
      cell: (td) => {
        const element = badge("", "quiet");
        td.append(element);
        return (entry) => setBadge(element, ...state(entry.state));
      },
    },
    textColumn("Purpose", (entry) => entry.purpose, { kind: "purpose" }),
    textColumn("Table", (entry) => entry.table, { kind: "number" }),
    textColumn("Priority", (entry) => entry.priority, { kind: "number" }),
    {
      name: "Entry",
      kind: "code",
      cell: (td) => {
        const match = el("code", {});
        const actions = el("code", { class: "actions-of" });
        td.append(match, actions);
        return (entry) => {
          setPieces(match, entry.match || "any");
          setPieces(actions, `actions=${entry.actions}`);
        };
      },
    },
    textColumn("Packets", (entry) => (entry.packets === undefined ? "–" : number(entry.packets)), { kind: "number" }),
    textColumn("Age", (entry) => (entry.ageSeconds === undefined ? "–" : length(entry.ageSeconds)), { kind: "number" }),
  ];
  if (withPod) {
    all.splice(1, 0, textColumn("Pod", (entry) => entry.pod ?? "", { kind: "name" }));
  }
  return all;
}

function listed(label, empty, withPod) {
  return table({
    label,
    columns: columns(withPod),
    key: (entry) => `${entry.table} ${entry.priority} ${entry.match} ${entry.cookie} ${entry.state}`,
    size: A_PAGE,
    empty,
  });
}

function query(values) {
  return new URLSearchParams(Object.entries(values).filter(([, value]) => value)).toString();
}

/** Entries of ours on one node, read again every few seconds: of one pod, or all that drift. */
export function ours(node, { pod, view, label, empty }) {
  const list = listed(label, empty, !pod);
  const note = el("p", { class: "hint", role: "status" }, "Asking…");
  const reading = repeat(
    async () => {
      const found = await get(`/v1/nodes/${encodeURIComponent(node)}/flows?${query({ pod, view })}`);
      list.show(found.entries);
      setText(note, "");
    },
    MILLIS,
    (problem) => {
      if (problem) {
        setText(note, problem.message);
      }
    },
  );
  return { element: el("div", {}, note, list.element), now: reading.now, end: reading.end };
}

/** OVN's entries of a pod, read from the switch when somebody wants them. */
export function ovns(node, pod) {
  const list = listed("OVN's entries", "OVN has no entry for it.", false);
  list.element.hidden = true;
  const note = el("p", { class: "hint", role: "status" }, "They are read from the switch when you ask.");
  const button = el("button", { type: "button", class: "read-ovn", click: read }, "Read OVN's entries");

  async function read() {
    setText(note, "Asking the switch…");
    try {
      const found = await get(`/v1/nodes/${encodeURIComponent(node)}/flows?${query({ pod, owner: "ovn" })}`);
      list.element.hidden = false;
      list.show(found.entries, true);
      setText(note, `Read at ${clock(Date.now())}.`);
      setText(button, "Read again");
    } catch (e) {
      setText(note, e.message);
    }
  }

  return el("div", {}, el("div", { class: "bar" }, button, note), list.element);
}

const MOST_CHANGES = 50;
const SIGNS = { added: ["Added", "good"], changed: ["Changed", "warn"], removed: ["Removed", "bad"] };

/** How our entries of one node have changed, the newest first: of one pod, or all. */
export function changes(node, pod) {
  const list = el("ol", { class: "changes" });
  const note = el("p", { class: "hint", role: "status" }, "Asking…");
  let shown = "";

  const reading = repeat(
    async () => {
      const found = await get(`/v1/nodes/${encodeURIComponent(node)}/flows/diff`);
      const mine = found.changes.filter((each) => !pod || each.pod === pod).reverse();
      const first = mine.slice(0, MOST_CHANGES);
      setText(
        note,
        mine.length > first.length
          ? `The newest ${MOST_CHANGES} of ${number(mine.length)}.`
          : mine.length
            ? ""
            : "No change since the controller began to look.",
      );
      const content = JSON.stringify(first);
      if (content !== shown) {
        shown = content;
        fill(
          list,
          ...first.map((each) => {
            const [word, tone] = SIGNS[each.what] ?? [each.what, "quiet"];
            return el(
              "li",
              {},
              el("time", { datetime: each.time }, clock(each.time)),
              badge(word, tone),
              el("span", { class: "about" }, pod ? "" : (each.pod ?? "")),
              each.before ? el("code", { class: "before" }, `− ${each.before}`) : null,
              each.after ? el("code", { class: "after" }, `+ ${each.after}`) : null,
            );
          }),
        );
      }
    },
    MILLIS,
    (problem) => {
      if (problem) {
        setText(note, problem.message);
      }
    },
  );
  return { element: el("div", {}, note, list), now: reading.now, end: reading.end };
}
