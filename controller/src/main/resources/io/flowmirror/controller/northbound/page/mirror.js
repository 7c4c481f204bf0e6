// SPDX-License-Identifier: Apache-2.0
// Turning a mirror on and off.

import { call, path } from "./api.js";
import { el, fill } from "./dom.js";
import { calm, complain } from "./frame.js";
import { refresh, world } from "./world.js";
import { left } from "./words.js";

const LENGTHS = [
  ["5m", "for 5 minutes"],
  ["30m", "for 30 minutes"],
  ["1h", "for 1 hour"],
  ["4h", "for 4 hours"],
  ["24h", "for 24 hours"],
  ["", "until it is turned off"],
];
const DIRECTIONS = [
  ["both", "both directions"],
  ["to-pod", "only what it receives"],
  ["from-pod", "only what it sends"],
];

function options(choices, chosen) {
  return choices.map(([value, text]) => el("option", { value, selected: value === chosen }, text));
}

/** What was asked for of a pod by REST, if anything was. */
export function asked(pod) {
  return world.mirrors.get(`${pod.namespace}/${pod.name}`) ?? null;
}

/** How long it is still asked for, in words; empty if nothing was asked for by REST. */
export function howLong(pod) {
  const found = asked(pod);
  return !found ? "" : found.until ? left(found.until) : "until it is turned off";
}

export async function turnOn(pod, direction, length) {
  calm();
  try {
    const body = length ? { direction, for: length } : { direction };
    await call("PUT", `/v1/mirrors${path(pod.namespace, pod.name)}`, { body });
    return true;
  } catch (e) {
    complain(`${pod.namespace}/${pod.name} is not mirrored.`, e);
    return false;
  } finally {
    refresh();
  }
}

export async function turnOff(pod) {
  calm();
  try {
    await call("DELETE", `/v1/mirrors${path(pod.namespace, pod.name)}`);
    return true;
  } catch (e) {
    complain(`The mirror of ${pod.namespace}/${pod.name} is not turned off.`, e);
    return false;
  } finally {
    refresh();
  }
}

/** The fields of a request. */
export function fields(current) {
  const direction = el("select", {}, ...options(DIRECTIONS, current?.direction ?? "both"));
  const length = el("select", {}, ...options(LENGTHS, "30m"));
  return {
    elements: [
      el("label", {}, "Copy ", direction),
      el("label", {}, "How long ", length),
    ],
    direction,
    length,
  };
}

/** Asks how, in a dialog, and does it. */
export function ask(pod) {
  const its = fields(pod.direction ? pod : asked(pod));
  const go = el("button", { class: "primary" }, "Mirror");
  const form = el(
    "form",
    {
      submit: async (event) => {
        event.preventDefault();
        go.disabled = true;
        await turnOn(pod, its.direction.value, its.length.value);
        dialog.close();
      },
    },
    el("h2", { id: "ask-title" }, `Mirror ${pod.namespace}/${pod.name}`),
    ...its.elements,
    el("div", { class: "actions" }, el("button", { type: "button", click: () => dialog.close() }, "Cancel"), go),
  );
  const dialog = el("dialog", { "aria-labelledby": "ask-title", close: () => dialog.remove() }, form);
  document.body.append(dialog);
  dialog.showModal();
}

/** The buttons of a pod's row: the same element for as long as they do the same. */
export function buttons(td, pod) {
  let shown = "";
  let now = pod;
  return (item) => {
    now = item;
    const wanted = asked(item) ? "off" : item.state === "not-mirrored" ? "on" : "change";
    if (wanted === shown) {
      return;
    }
    const focused = td.contains(document.activeElement);
    shown = wanted;
    const name = `${item.namespace}/${item.name}`;
    const button =
      wanted === "off"
        ? el("button", { type: "button", "aria-label": `Turn off the mirror of ${name}`, click: () => turnOff(now) }, "Turn off")
        : el(
            "button",
            { type: "button", "aria-label": `Mirror ${name}…`, click: () => ask(now) },
            wanted === "on" ? "Mirror…" : "Change…",
          );
    fill(td, button);
    if (focused) {
      button.focus();
    }
  };
}
