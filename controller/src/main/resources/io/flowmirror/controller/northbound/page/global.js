// SPDX-License-Identifier: Apache-2.0
// The global mode: whether everything is mirrored, and where.

import { call } from "./api.js";
import { el, fill, setText } from "./dom.js";
import { calm, complain } from "./frame.js";
import { refresh, subscribe, world } from "./world.js";
import { count } from "./words.js";

function words(global) {
  switch (global.mode) {
    case "configured":
      return global.configured === "all" ? "everything, as configured" : "off, as configured";
    case "all":
      return "everything, on all nodes";
    case "off":
      return "off, whatever is configured";
    case "nodes":
      return `everything, on ${count(global.nodes.length, "node", "nodes")}`;
    default:
      return global.mode;
  }
}

function choice(value, text, chosen) {
  return el(
    "label",
    { class: "choice" },
    el("input", { type: "radio", name: "mode", value, checked: value === chosen }),
    text,
  );
}

function ask() {
  const global = world.global;
  if (!global) {
    return;
  }
  const names = world.nodes.map((node) => node.name);
  const nodes = el(
    "select",
    { multiple: true, size: Math.min(8, Math.max(3, names.length)), "aria-label": "Nodes" },
    ...names.map((name) => el("option", { value: name, selected: global.nodes.includes(name) }, name)),
  );
  const go = el("button", { class: "primary" }, "Set");
  const form = el(
    "form",
    {
      change: (event) => {
        if (event.target.name === "mode") {
          nodes.disabled = event.target.value !== "nodes";
        }
      },
      submit: async (event) => {
        event.preventDefault();
        const mode = new FormData(form).get("mode");
        const body = { mode };
        if (mode === "nodes") {
          body.nodes = [...nodes.selectedOptions].map((option) => option.value);
        }
        go.disabled = true;
        calm();
        try {
          await call("PUT", "/v1/global", { body });
        } catch (e) {
          complain("The global mode is as it was.", e);
        }
        refresh();
        dialog.close();
      },
    },
    el("h2", { id: "global-title" }, "Global mode"),
    el(
      "fieldset",
      {},
      el("legend", {}, "Mirror everything"),
      choice("configured", `as configured: ${global.configured === "all" ? "everywhere" : "off"}`, global.mode),
      choice("off", "nowhere", global.mode),
      choice("all", "on all nodes", global.mode),
      choice("nodes", "on these nodes:", global.mode),
      nodes,
    ),
    el("p", { class: "hint" }, "Every packet of every pod there is copied: mind what the mirror port can carry."),
    el("div", { class: "actions" }, el("button", { type: "button", click: () => dialog.close() }, "Cancel"), go),
  );
  nodes.disabled = global.mode !== "nodes";
  const dialog = el("dialog", { "aria-labelledby": "global-title", close: () => dialog.remove() }, form);
  document.body.append(dialog);
  dialog.showModal();
}

export function start(place) {
  const text = el("span", {});
  const button = el("button", { type: "button", "aria-label": "Change the global mode…", click: ask }, "Change…");
  fill(place, text, " ", button);
  place.hidden = true;
  subscribe(() => {
    if (world.global) {
      place.hidden = false;
      setText(text, `Global mode: ${words(world.global)}`);
    }
  });
}
