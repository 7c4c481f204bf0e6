// SPDX-License-Identifier: Apache-2.0
// Copies a second, from counters that are read from the switches of the nodes that are looked at.

import { get, path } from "./api.js";
import { repeat } from "./world.js";

const MILLIS = 2_000;
/** The counters of so many nodes at most are read. */
export const MOST_NODES = 8;
const KEPT = 60;

let wanted = [];
const nodes = new Map();
const found = new Map();
const listeners = new Set();

/** Which pod's port a counter is of. */
export function rateKey(pod) {
  return `${pod.namespace}/${pod.name}/${pod.interface}/${pod.port?.name ?? pod.port ?? ""}`;
}

/** Says of which nodes the counters are wanted. */
export function want(names) {
  wanted = [...new Set(names)].slice(0, MOST_NODES);
  for (const name of [...nodes.keys()]) {
    if (!wanted.includes(name)) {
      nodes.delete(name);
    }
  }
}

/**
 * What is known of a pod's port: the counters, and the rates if they are known. A rate is not known
 * before the second reading, nor across one at which the counter began anew.
 */
export function ratesOf(pod) {
  return found.get(rateKey(pod)) ?? null;
}

/** All rates at once, of all nodes that are looked at. */
export function sum() {
  const total = { packets: 0, bytes: 0 };
  let known = false;
  for (const each of found.values()) {
    for (const rate of [each.fromRate, each.toRate]) {
      if (rate) {
        known = true;
        total.packets += rate.packets;
        total.bytes += rate.bytes;
      }
    }
  }
  return known ? total : null;
}

export function onRates(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function between(before, now, seconds) {
  if (!before || !now || seconds <= 0 || now.packets < before.packets || now.bytes < before.bytes) {
    return null;
  }
  return {
    packets: (now.packets - before.packets) / seconds,
    bytes: (now.bytes - before.bytes) / seconds,
  };
}

function take(node, answer) {
  const time = new Date(answer.time).getTime();
  const before = nodes.get(node);
  if (before?.time === time) {
    return; // The same reading.
  }
  const keys = new Set();
  for (const item of answer.items) {
    const key = rateKey(item);
    keys.add(key);
    const last = before ? found.get(key) : undefined;
    const seconds = before ? (time - before.time) / 1000 : 0;
    const fromRate = between(last?.from, item.fromPod, seconds);
    const toRate = between(last?.to, item.toPod, seconds);
    const history = last?.history ?? [];
    history.push({ time, from: fromRate?.packets ?? null, to: toRate?.packets ?? null });
    history.splice(0, history.length - KEPT);
    found.set(key, { from: item.fromPod, to: item.toPod, fromRate, toRate, history });
  }
  for (const key of before?.keys ?? []) {
    if (!keys.has(key)) {
      found.delete(key);
    }
  }
  nodes.set(node, { time, keys });
}

function forget(node) {
  for (const key of nodes.get(node)?.keys ?? []) {
    found.delete(key);
  }
  nodes.delete(node);
}

/** Begins to read. */
export function start() {
  return repeat(async () => {
    const problems = [];
    await Promise.all(
      wanted.map(async (node) => {
        try {
          take(node, await get(`/v1/nodes${path(node)}/copies`));
        } catch (e) {
          // A node that is away is shown as such elsewhere.
          forget(node);
          problems.push(e);
        }
      }),
    );
    listeners.forEach((listener) => listener());
    const slow = problems.find((each) => each.status === 429);
    if (slow) {
      throw slow;
    }
  }, MILLIS);
}
