// SPDX-License-Identifier: Apache-2.0
// Two small curves over the last two minutes. What they show stands beside them in numbers.

import { el, setText, svg } from "./dom.js";
import { number } from "./words.js";

const WIDTH = 600;
const HEIGHT = 90;
const SPAN_MILLIS = 120_000;

export function chart() {
  const from = svg("path", { class: "from" });
  const to = svg("path", { class: "to" });
  const grid = svg("path", {
    class: "grid",
    d: `M0 ${HEIGHT - 0.5}H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}M0 0.5H${WIDTH}`,
  });
  const top = el("span", { class: "top" });
  const drawing = svg(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    grid,
    from,
    to,
  );
  const element = el(
    "figure",
    { class: "chart" },
    el("div", { class: "plot" }, drawing, top),
    el(
      "figcaption",
      {},
      el("span", { class: "key from" }, "from the pod"),
      el("span", { class: "key to" }, "to the pod"),
      el("span", { class: "hint" }, "packets a second, the last two minutes"),
    ),
  );

  function line(history, which, now, most) {
    let path = "";
    let down = false;
    for (const point of history) {
      const value = point[which];
      const x = WIDTH * (1 - (now - point.time) / SPAN_MILLIS);
      if (value === null || x < 0) {
        down = false;
        continue;
      }
      const y = HEIGHT - 2 - ((HEIGHT - 4) * value) / most;
      path += `${down ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
      down = true;
    }
    return path;
  }

  return {
    element,
    update(history) {
      const values = history.flatMap((point) => [point.from ?? 0, point.to ?? 0]);
      const most = Math.max(1, ...values);
      const now = history.length ? history[history.length - 1].time : 0;
      from.setAttribute("d", line(history, "from", now, most));
      to.setAttribute("d", line(history, "to", now, most));
      setText(top, `${number(Math.ceil(most))} pkt/s`);
    },
  };
}
