// SPDX-License-Identifier: Apache-2.0
// What the controller has said last: nodes, pods, mirrors, the global mode. Asked for again and
// again while somebody looks, and at once when an event says that it has changed.

import { all, get, signals } from "./api.js";

const MOST_PODS = 20_000;
const NODES_MILLIS = 2_000;
const PODS_MILLIS = 4_000;
const SLOWEST_MILLIS = 60_000;

export const world = {
  nodes: [],
  pods: [],
  /** How many pods' interfaces there are, shown or not. */
  total: 0,
  /** By pod: what was asked for by REST. */
  mirrors: new Map(),
  global: null,
  /** Whether the nodes, and the pods, have been told once. */
  nodesKnown: false,
  podsKnown: false,
};

/** Whether everything is mirrored on a pod's node: what pods send is then counted for all at once. */
export function isAmongAll(pod) {
  return world.nodes.some((node) => node.name === pod.node && node.everything);
}

const listeners = new Set();

/** Tells of each change; returns how to end that. */
export function subscribe(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tell() {
  for (const listener of [...listeners]) {
    listener();
  }
}

/** Nothing for whoever may not see all namespaces. */
async function readGlobal() {
  try {
    return await get("/v1/global");
  } catch (error) {
    if (error.status === 403) {
      return null;
    }
    throw error;
  }
}

async function readNodes() {
  const [nodes, global] = await Promise.all([all("/v1/nodes", MOST_PODS), readGlobal()]);
  world.nodes = nodes.items;
  world.global = global;
  world.nodesKnown = true;
}

async function readPods() {
  const [pods, mirrors] = await Promise.all([
    all("/v1/pods", MOST_PODS),
    all("/v1/mirrors", MOST_PODS),
  ]);
  world.pods = pods.items;
  world.total = pods.total;
  world.podsKnown = true;
  world.mirrors = new Map(
    mirrors.items.filter((each) => each.madeBy === "rest").map((each) => [each.pod, each]),
  );
}

/**
 * Does something again and again: not while the page is hidden, and less often when it takes long
 * or fails.
 */
export function repeat(work, millis, onProblem) {
  let timer = 0;
  let running = false;
  let again = false;
  let wait = millis;
  let ended = false;

  async function run() {
    clearTimeout(timer);
    if (ended) {
      return;
    }
    if (running) {
      again = true;
      return;
    }
    if (document.hidden) {
      timer = setTimeout(run, millis);
      return;
    }
    running = true;
    again = false;
    const begin = performance.now();
    try {
      await work();
      // A tenth of the time at most, so that long lists leave the page and the server their breath.
      wait = Math.min(SLOWEST_MILLIS, Math.max(millis, 10 * (performance.now() - begin)));
      onProblem?.(null);
    } catch (e) {
      wait =
        e.status === 401
          ? SLOWEST_MILLIS // Until there is another token; the same one is refused again.
          : Math.min(SLOWEST_MILLIS, e.status === 429 ? wait * 2 : Math.max(millis, 3_000));
      if (!ended && e.name !== "AbortError") {
        onProblem?.(e);
      }
    }
    running = false;
    if (!ended) {
      timer = setTimeout(run, again ? 100 : wait);
    }
  }

  const wake = () => {
    if (!document.hidden) {
      run();
    }
  };
  document.addEventListener("visibilitychange", wake);
  signals.addEventListener("token", run);
  run();
  return {
    now: run,
    end() {
      ended = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", wake);
      signals.removeEventListener("token", run);
    },
  };
}

let nodes = null;
let pods = null;

/** Begins to ask. */
export function start(onProblem) {
  const both = (read) => async () => {
    await read();
    tell();
  };
  nodes = repeat(both(readNodes), NODES_MILLIS, (problem) => onProblem("nodes", problem));
  pods = repeat(both(readPods), PODS_MILLIS, (problem) => onProblem("pods", problem));
}

let due = 0;

/** Something has changed: asks soon, once for many changes. */
export function refresh() {
  if (!due) {
    due = setTimeout(() => {
      due = 0;
      nodes?.now();
      pods?.now();
    }, 150);
  }
}
