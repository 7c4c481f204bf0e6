// SPDX-License-Identifier: Apache-2.0
// Light, dark, or as the system has it. Not a module: it runs before the first paint.
(() => {
  "use strict";
  const KEY = "flowmirror-theme";
  const CHOICES = ["auto", "light", "dark"];

  function read() {
    try {
      const found = localStorage.getItem(KEY);
      return CHOICES.includes(found) ? found : "auto";
    } catch {
      return "auto"; // A browser may forbid it.
    }
  }

  let choice = read();

  function apply() {
    if (choice === "auto") {
      delete document.documentElement.dataset.theme;
    } else {
      document.documentElement.dataset.theme = choice;
    }
  }

  apply();
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const say = () => {
      button.textContent = `Theme: ${choice}`;
    };
    say();
    button.addEventListener("click", () => {
      choice = CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length];
      try {
        localStorage.setItem(KEY, choice);
      } catch {
        // Then it is for this page only.
      }
      apply();
      say();
    });
  });
})();
