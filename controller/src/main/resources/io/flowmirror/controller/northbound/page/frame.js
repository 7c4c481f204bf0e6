// SPDX-License-Identifier: Apache-2.0
// What stands around every view: whether the controller answers, problems, the token.

import { setToken, signals, token } from "./api.js";
import { el, fill, setAttribute, setText } from "./dom.js";
import { clock } from "./words.js";

const connection = document.getElementById("connection");
const problems = document.getElementById("problems");
const form = document.getElementById("token");
const field = document.getElementById("token-field");
const forget = document.getElementById("token-forget");
const button = document.getElementById("token-button");

let lastAnswer = null;

/** Says that something was not done, until it is dismissed. */
export function complain(what, problem) {
  const line = el(
    "div",
    { class: "problem" },
    el("p", {}, el("strong", {}, what), ` ${problem.message}`),
    el("button", { type: "button", click: () => line.remove() }, "Dismiss"),
  );
  while (problems.childElementCount >= 3) {
    problems.firstElementChild.remove();
  }
  problems.append(line);
}

/** What was complained of before is over: somebody does something new. */
export function calm() {
  fill(problems);
}

function say(text, tone) {
  setText(connection, text);
  setAttribute(connection, "data-tone", tone);
}

const ailing = new Map();

/** What asking again and again for something has come to; null if all is well. */
export function standing(what, found) {
  if (found === null) {
    ailing.delete(what);
  } else {
    ailing.set(what, found);
  }
  const [problem = null] = ailing.values();
  if (problem === null) {
    say("Live", "good");
  } else if (problem.status === 401) {
    say("A token is needed", "bad");
  } else if (problem.status === 0) {
    const since = lastAnswer ? ` Shown is what it said at ${clock(lastAnswer)}.` : "";
    say(`${problem.message}${since}`, "bad");
  } else {
    say(problem.message, "bad");
  }
}

export function start() {
  say("Connecting…", "quiet");
  button.hidden = token() === "";
  signals.addEventListener("here", () => {
    lastAnswer = Date.now();
  });
  signals.addEventListener("unauthorized", () => {
    button.hidden = false;
    if (form.hidden) {
      form.hidden = false;
      field.focus();
    }
  });
  button.addEventListener("click", () => {
    form.hidden = !form.hidden;
    if (!form.hidden) {
      field.focus();
    }
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const value = field.value.trim();
    field.value = "";
    form.hidden = true;
    button.focus();
    setToken(value);
  });
  forget.addEventListener("click", () => {
    field.value = "";
    form.hidden = true;
    button.focus();
    setToken("");
  });
}
