// SPDX-License-Identifier: Apache-2.0
// What happens, as it happens.

import { follow, get, signals } from "./api.js";
import { badge, el, fill, setAttribute, setText } from "./dom.js";
import { refresh } from "./world.js";
import { clock, moment, nodeState } from "./words.js";

const KEPT = 300;
const SHOWN = 100;
/** A time in the server's words; people read it in their own. */
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;
const KINDS = {
  repair: ["Repair", "warn"],
  node: ["Node", "quiet"],
  mirror: ["Mirror", "good"],
  request: ["Request", "info"],
  entries: ["Entries", "quiet"],
};
const LONGEST_WAIT_MILLIS = 10_000;
const REFUSED_MILLIS = 60_000;

let events = [];
let lastId = "";
let paused = false;
let filter = "";
const listeners = new Set();

const list = el("ol", {});
const log = el("div", { class: "log", role: "log", "aria-label": "Events, the newest first" }, list);
const state = el("p", { class: "hint", role: "status" });
const pause = el("button", { type: "button", click: togglePause }, "Pause");
const kinds = el(
  "select",
  { "aria-label": "Which events", change: chooseKind },
  el("option", { value: "" }, "All events"),
  el("option", { value: "repair" }, "Repairs"),
  el("option", { value: "node" }, "Nodes"),
  el("option", { value: "mirror" }, "Mirrors"),
  el("option", { value: "request" }, "Requests"),
);

/** Tells of each new event; returns how to end that. */
export function onEvent(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The newest events that this holds of, the newest first. */
export function eventsWhere(condition) {
  return events.filter(condition);
}

function togglePause() {
  paused = !paused;
  setText(pause, paused ? "Go on" : "Pause");
  setAttribute(pause, "aria-pressed", paused ? "true" : null);
  draw();
}

function chooseKind() {
  filter = kinds.value;
  draw();
}

function about(event) {
  const links = [];
  if (event.namespace && event.pod) {
    const to = `#/pods/${encodeURIComponent(event.namespace)}/${encodeURIComponent(event.pod)}`;
    links.push(el("a", { href: to }, `${event.namespace}/${event.pod}`));
  }
  if (event.node) {
    links.push(el("a", { href: `#/nodes/${encodeURIComponent(event.node)}` }, event.node));
  }
  return links;
}

function words(event) {
  switch (event.kind) {
    case "node":
      return nodeState({ state: event.text })[0];
    case "repair":
      return event.text.replace(/^repaired: /, ""); // The badge says it.
    default:
      return event.text.replaceAll(TIME, moment);
  }
}

/** One event, as an item of a list. */
export function eventItem(event) {
  const [word, tone] = KINDS[event.kind] ?? [event.kind, "quiet"];
  return el(
    "li",
    {},
    el("time", { datetime: event.time, title: moment(event.time) }, clock(event.time)),
    badge(word, tone),
    el("span", { class: "about" }, ...about(event)),
    el("p", {}, words(event)),
  );
}

function fits(event) {
  return filter === "" || event.kind === filter;
}

function draw() {
  if (paused) {
    setText(state, "Paused: new events are kept, and shown when you go on.");
    return;
  }
  const shown = events.filter(fits).slice(0, SHOWN);
  fill(list, ...shown.map(eventItem));
  setText(state, shown.length ? "" : "Nothing has happened yet.");
}

/** Adds one to what is shown, so that only the new one is read out. */
function add(event) {
  events.unshift(event);
  events.length = Math.min(events.length, KEPT);
  if (!paused && fits(event)) {
    setText(state, "");
    list.prepend(eventItem(event));
    while (list.childElementCount > SHOWN) {
      list.lastElementChild.remove();
    }
  }
}

/** Of an event's id, the part that names the process. */
function ofProcess(id) {
  return id.slice(0, id.lastIndexOf("-"));
}

function take(type, data, id) {
  if (type === "lost") {
    return;
  }
  let event;
  try {
    event = JSON.parse(data);
  } catch {
    return;
  }
  if (ofProcess(id) !== ofProcess(lastId)) {
    // The controller was started anew, and counts from the beginning.
    events = [];
    draw();
  }
  lastId = id;
  add(event);
  refresh();
  listeners.forEach((listener) => listener(event));
}

async function begin() {
  const history = await get("/v1/history?limit=100");
  events = history.items.reverse();
  lastId = history.lastEventId;
  draw();
}

function pauseFor(millis) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, millis);
    signals.addEventListener(
      "token",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}

async function run() {
  let wait = 1_000;
  let known = false;
  for (;;) {
    const stop = new AbortController();
    const another = () => {
      // Who shows another token may see other events.
      known = false;
      stop.abort();
    };
    signals.addEventListener("token", another, { once: true });
    try {
      if (!known) {
        await begin();
        known = true;
      }
      await follow("/v1/events", lastId, {
        signal: stop.signal,
        onOpen: () => {
          wait = 1_000;
          setText(state, events.length ? "" : "Nothing has happened yet.");
        },
        onEvent: take,
      });
    } catch (e) {
      if (e.name !== "AbortError") {
        setText(state, `Events are not followed now: ${e.message}`);
      }
      if (e.status === 401) {
        wait = REFUSED_MILLIS;
      }
    }
    signals.removeEventListener("token", another);
    if (!stop.signal.aborted) {
      await pauseFor(wait);
    }
    wait = Math.min(LONGEST_WAIT_MILLIS, 2 * wait);
  }
}

/** Begins to follow. */
export function start(aside) {
  fill(
    aside,
    el("div", { class: "bar" }, el("h2", { id: "events-title" }, "Events"), kinds, pause),
    state,
    log,
  );
  run();
}
