// SPDX-License-Identifier: Apache-2.0
// Begins everything, and shows the view that the address names.

import { el, fill } from "./dom.js";
import { start as startEvents } from "./events.js";
import { standing, start as startFrame } from "./frame.js";
import { start as startGlobal } from "./global.js";
import { nodeView } from "./node.js";
import { overview } from "./overview.js";
import { podView } from "./pod.js";
import { start as startRates, want } from "./rates.js";
import { start as startWorld } from "./world.js";

const main = document.getElementById("main");
let view = null;

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function nowhere() {
  return {
    title: "Nothing here",
    content: [el("h1", { tabindex: "-1" }, "Nothing here"), el("p", {}, el("a", { href: "#/" }, "To the overview"))],
    end: () => {},
  };
}

function of(address) {
  const parts = address.replace(/^#\/?/, "").split("/").map(decode);
  if (parts.length === 1 && parts[0] === "") {
    return overview();
  }
  if (parts[0] === "pods" && parts.length === 3) {
    return podView(parts[1], parts[2]);
  }
  if (parts[0] === "nodes" && parts.length === 2) {
    return nodeView(parts[1]);
  }
  return nowhere();
}

function show(first) {
  if (location.hash && !location.hash.startsWith("#/")) {
    return; // A place in the page, such as where the skip link leads.
  }
  view?.end();
  want([]);
  view = of(location.hash);
  document.title = `${view.title} – Flowmirror`;
  fill(main, ...view.content);
  if (!first) {
    window.scrollTo(0, 0);
    main.querySelector("h1")?.focus();
  }
}

startFrame();
startGlobal(document.getElementById("global"));
startEvents(document.getElementById("events"));
startWorld(standing);
startRates();
window.addEventListener("hashchange", () => show(false));
show(true);
