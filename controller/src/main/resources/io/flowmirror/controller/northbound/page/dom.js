// SPDX-License-Identifier: Apache-2.0
// Elements. Whatever comes from the server becomes text here, never markup.

/** An element; an attribute that is a function is a listener, one that is null or false is left out. */
export function el(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (typeof value === "function") {
      element.addEventListener(name, value);
    } else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** An element of a drawing. */
export function svg(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    element.setAttribute(name, String(value));
  }
  element.append(...children);
  return element;
}

/** Sets a text; leaves alone what is so already, so that a selection stays. */
export function setText(node, text) {
  const wanted = String(text);
  if (node.textContent !== wanted) {
    node.textContent = wanted;
  }
}

/** Sets an attribute, or removes it. */
export function setAttribute(node, name, value) {
  if (value === null || value === undefined || value === false) {
    node.removeAttribute(name);
  } else if (node.getAttribute(name) !== String(value)) {
    node.setAttribute(name, String(value));
  }
}

/** Replaces the content, unless it would be the same text. */
export function fill(node, ...children) {
  node.replaceChildren(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** A word with a colour that means something; the word alone says it too. */
export function badge(text, tone) {
  return el("span", { class: `badge ${tone}` }, text);
}

/**
 * A text that is broken where it has commas, rather than in the midst of its words: an entry's match
 * or actions. Copied, it is the text.
 */
export function setPieces(node, text) {
  if (node.textContent !== text) {
    const pieces = text.split(/(?<=,)(?![^()]*\))/);
    fill(node, ...pieces.map((piece) => el("span", { class: "piece" }, piece)));
  }
}

export function setBadge(element, text, tone) {
  setText(element, text);
  const wanted = `badge ${tone}`;
  if (element.className !== wanted) {
    element.className = wanted;
  }
}

/** Names and values; update() takes the values, in the same order: text or nodes, null for none. */
export function facts(names) {
  const rows = names.map((name) => {
    const value = el("dd", {});
    const row = el("div", {}, el("dt", {}, name), value);
    return { row, value };
  });
  const element = el("dl", { class: "facts" }, ...rows.map((each) => each.row));
  const update = (values) => {
    rows.forEach(({ row, value }, i) => {
      const found = values[i];
      row.hidden = found === null || found === undefined || found === "";
      if (found instanceof Node) {
        if (value.firstChild !== found || value.childNodes.length !== 1) {
          fill(value, found);
        }
      } else if (!row.hidden) {
        setText(value, found);
      }
    });
  };
  return { element, update };
}

/**
 * A table that is shown a page at a time. A row stays the same element as long as its item is
 * shown, so that the keyboard's focus stays where it is.
 *
 * columns: {name, cell(td, item) -> update(item), order?(a, b), kind?}
 */
export function table({ label, columns, key, size, empty, onPage }) {
  let items = [];
  let page = 0;
  let sorted = null;
  let descending = false;
  const rows = new Map();

  const heads = columns.map((column) => {
    const head = el("th", { scope: "col", role: "columnheader", class: column.kind });
    if (column.order) {
      head.append(el("button", { type: "button", class: "sort", click: () => sort(column) }, column.name));
    } else {
      head.textContent = column.name;
    }
    return head;
  });
  const body = el("tbody", { role: "rowgroup" });
  const nothing = el("p", { class: "empty", hidden: true }, empty);
  const count = el("p", { class: "count", role: "status" });
  const back = el("button", { type: "button", click: () => turn(-1) }, "Previous");
  const forth = el("button", { type: "button", click: () => turn(1) }, "Next");
  const pager = el("div", { class: "pager", hidden: true }, count, back, forth);
  const whole = el(
    "table",
    { role: "table", "aria-label": label, hidden: true },
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, ...heads)),
    body,
  );
  const element = el("div", { class: "paged" }, whole, nothing, pager);

  function sort(column) {
    if (sorted !== column) {
      sorted = column;
      descending = Boolean(column.biggestFirst);
    } else if (descending === Boolean(column.biggestFirst)) {
      descending = !descending;
    } else {
      sorted = null;
    }
    heads.forEach((head, i) => {
      const order = columns[i] === sorted ? (descending ? "descending" : "ascending") : null;
      setAttribute(head, "aria-sort", order);
    });
    page = 0;
    draw();
    onPage?.();
  }

  function turn(step) {
    page += step;
    draw();
    onPage?.();
  }

  function ordered() {
    if (!sorted) {
      return items;
    }
    const sign = descending ? -1 : 1;
    return [...items].sort((a, b) => sign * sorted.order(a, b));
  }

  function visible() {
    return ordered().slice(page * size, (page + 1) * size);
  }

  function row(item) {
    const updates = [];
    const cells = columns.map((column) => {
      const cell = el("td", { role: "cell", class: column.kind, "data-name": column.name });
      updates.push(column.cell(cell, item));
      return cell;
    });
    return { element: el("tr", { role: "row" }, ...cells), updates };
  }

  function draw() {
    const pages = Math.max(1, Math.ceil(items.length / size));
    page = Math.max(0, Math.min(page, pages - 1));
    const shown = visible();
    const kept = new Set(shown.map(key));
    for (const [name, its] of rows) {
      if (!kept.has(name)) {
        its.element.remove();
        rows.delete(name);
      }
    }
    const focused = body.contains(document.activeElement) ? document.activeElement : null;
    let before = null;
    for (const item of shown) {
      const name = key(item);
      let its = rows.get(name);
      if (!its) {
        its = row(item);
        rows.set(name, its);
      }
      its.updates.forEach((update) => update?.(item));
      const place = before ? before.nextSibling : body.firstChild;
      if (its.element !== place) {
        body.insertBefore(its.element, place);
      }
      before = its.element;
    }
    if (focused?.isConnected && document.activeElement !== focused) {
      focused.focus({ preventScroll: true }); // A row that is moved loses it.
    }
    whole.hidden = items.length === 0;
    nothing.hidden = items.length > 0;
    pager.hidden = items.length <= size;
    setText(
      count,
      `${(page * size + 1).toLocaleString("en")}–${Math.min(items.length, (page + 1) * size).toLocaleString("en")} of ${items.length.toLocaleString("en")}`,
    );
    // aria-disabled: a button that is disabled while it has the focus loses it.
    setAttribute(back, "aria-disabled", page === 0 ? "true" : null);
    setAttribute(forth, "aria-disabled", page >= pages - 1 ? "true" : null);
  }

  return {
    element,
    visible,
    show(found, first) {
      items = found;
      if (first) {
        page = 0;
      }
      draw();
    },
    redraw: draw,
  };
}

/** A column of text. */
export function textColumn(name, text, more) {
  return {
    name,
    ...more,
    cell: (td) => (item) => setText(td, text(item)),
  };
}
