// SPDX-License-Identifier: Apache-2.0
// Why a pod's packets are seen at the mirror port, or not.

import { get, path } from "./api.js";
import { badge, el, fill, setText } from "./dom.js";
import { repeat } from "./world.js";

const MILLIS = 5_000;
const VERDICTS = {
  ok: ["Holds", "good"],
  broken: ["Broken", "bad"],
  warning: ["Look at", "warn"],
  unknown: ["Not known", "quiet"],
};
const NAMES = {
  "api-heard": "API heard",
  "asked-for": "Asked for",
  allowed: "Allowed",
  "pod-found": "Pod found",
  "node-attached": "Node attached",
  writer: "Writer",
  interface: "Interface",
  "logical-port": "Logical port",
  "mirror-port": "Mirror port",
  entries: "Entries",
  "not-doubled": "Not doubled",
  mtu: "MTU",
  drops: "Drops",
  counted: "Counted",
};

function link(each, first) {
  const unasked = each.name === "asked-for" && each.verdict === "broken";
  const [word, tone] = unasked ? ["No", "quiet"] : (VERDICTS[each.verdict] ?? [each.verdict, "quiet"]);
  return el(
    "li",
    { class: first ? "first" : null },
    badge(word, tone),
    el("strong", {}, NAMES[each.name] ?? each.name),
    el("span", { class: "says" }, each.says),
    each.advice ? el("span", { class: "advice" }, `What to do: ${each.advice}`) : null,
  );
}

function verdict(found) {
  const first = found.firstBroken;
  if (!first) {
    return ["It is mirrored, and every link holds.", "good"];
  }
  if (first.name === "asked-for") {
    return [`It is not mirrored: ${first.says}.`, "quiet"]; // Nothing is wrong with that.
  }
  const name = NAMES[first.name] ?? first.name;
  return first.verdict === "broken"
    ? [`Broken: ${name}. ${first.says}.`, "bad"]
    : [`Look at: ${name}. ${first.says}.`, "warn"];
}

/** The explanation of one pod, read again every few seconds. */
export function explanation(pod) {
  const sentence = el("p", { class: "verdict", role: "status" }, "Asking…");
  const links = el("ol", { class: "links" });
  let shown = "";

  const reading = repeat(
    async () => {
      const found = await get(`/v1/pods${path(pod.namespace, pod.name)}/explain`);
      const [text, tone] = verdict(found);
      setText(sentence, text);
      sentence.dataset.tone = tone;
      const content = JSON.stringify(found.links);
      if (content !== shown) {
        shown = content;
        const first = found.links.findIndex((each) => each.name === found.firstBroken?.name);
        fill(links, ...found.links.map((each, i) => link(each, i === first)));
      }
    },
    MILLIS,
    (problem) => {
      if (problem) {
        setText(sentence, problem.message);
        sentence.dataset.tone = "bad";
      }
    },
  );
  return { element: el("div", {}, sentence, links), now: reading.now, end: reading.end };
}
