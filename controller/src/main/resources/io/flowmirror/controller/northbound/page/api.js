// SPDX-License-Identifier: Apache-2.0
// The controller's REST API. Its errors are problem details (RFC 9457), and become words here.

const TOKEN = "flowmirror-token";
const PATIENCE_MILLIS = 20_000;
const SILENCE_MILLIS = 35_000;

/** "away", "here": whether the controller answers. "unauthorized": it wants a token. "token": another. */
export const signals = new EventTarget();

let kept = "";
try {
  kept = sessionStorage.getItem(TOKEN) ?? "";
} catch {
  // A browser may forbid it; then the token is kept in this page only.
}

export function token() {
  return kept;
}

export function setToken(value) {
  kept = value;
  try {
    if (value) {
      sessionStorage.setItem(TOKEN, value);
    } else {
      sessionStorage.removeItem(TOKEN);
    }
  } catch {
    // As above.
  }
  signals.dispatchEvent(new Event("token"));
}

/** Why something was not done. */
export class Problem extends Error {
  constructor(status, title, detail) {
    super(detail || title);
    this.status = status;
    this.title = title;
  }
}

async function problem(response) {
  let title = response.statusText || `status ${response.status}`;
  let detail = "";
  try {
    const body = await response.json();
    title = String(body.title ?? title);
    detail = String(body.detail ?? "");
  } catch {
    detail = `The answer was ${title}.`;
  }
  return new Problem(response.status, title, detail);
}

async function send(method, path, { body, headers, signal }) {
  const all = { Accept: "application/json", ...headers };
  const shown = kept;
  if (shown) {
    all.Authorization = `Bearer ${shown}`;
  }
  if (body !== undefined) {
    all["Content-Type"] = "application/json";
  }
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: all,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
    });
  } catch (e) {
    if (e.name === "AbortError") {
      throw e;
    }
    signals.dispatchEvent(new Event("away"));
    throw new Problem(0, "No answer", "The controller does not answer.");
  }
  signals.dispatchEvent(new Event("here"));
  if (!response.ok) {
    // An answer to what was asked before there was this token says nothing of it.
    if (response.status === 401 && shown === kept) {
      signals.dispatchEvent(new Event("unauthorized"));
    }
    throw await problem(response);
  }
  return response;
}

/** Asks for something; the answer's JSON, or null where there is none. */
export async function call(method, path, { body, signal } = {}) {
  const limit = AbortSignal.timeout(PATIENCE_MILLIS);
  const response = await send(method, path, {
    body,
    signal: signal ? AbortSignal.any([signal, limit]) : limit,
  });
  if (response.status === 204) {
    return null;
  }
  try {
    return await response.json();
  } catch (e) {
    if (e.name === "AbortError") {
      throw e;
    }
    throw new Problem(0, "Broken off", "The answer was broken off.");
  }
}

export function get(path, options) {
  return call("GET", path, options);
}

/** All pages of a list, up to this many items. */
export async function all(path, most, options) {
  const items = [];
  let total = 0;
  let next = "";
  do {
    const query = `${path.includes("?") ? "&" : "?"}limit=5000${next}`;
    const page = await get(path + query, options);
    items.push(...page.items);
    total = page.total;
    next = page.continue === undefined ? "" : `&continue=${encodeURIComponent(page.continue)}`;
  } while (next && items.length < most);
  return { items, total };
}

/** A path of names. */
export function path(...names) {
  return names.map((name) => `/${encodeURIComponent(name)}`).join("");
}

/**
 * Follows a stream of server-sent events for as long as it lasts. By fetch, since EventSource shows
 * no token.
 */
export async function follow(where, lastId, { signal, onOpen, onEvent }) {
  const stop = new AbortController();
  const end = () => stop.abort();
  signal.addEventListener("abort", end);
  let silent = setTimeout(end, SILENCE_MILLIS);
  try {
    const headers = { Accept: "text/event-stream" };
    if (lastId) {
      headers["Last-Event-ID"] = lastId;
    }
    const response = await send("GET", where, { headers, signal: stop.signal });
    onOpen();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    let event = { type: "message", data: [], id: "" };
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        return;
      }
      clearTimeout(silent);
      silent = setTimeout(end, SILENCE_MILLIS);
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        if (line === "") {
          if (event.data.length) {
            onEvent(event.type, event.data.join("\n"), event.id);
          }
          event = { type: "message", data: [], id: "" };
        } else if (line.startsWith("data:")) {
          event.data.push(line.slice(5).trimStart());
        } else if (line.startsWith("event:")) {
          event.type = line.slice(6).trim();
        } else if (line.startsWith("id:")) {
          event.id = line.slice(3).trim();
        }
      }
    }
  } finally {
    clearTimeout(silent);
    signal.removeEventListener("abort", end);
    stop.abort();
  }
}
