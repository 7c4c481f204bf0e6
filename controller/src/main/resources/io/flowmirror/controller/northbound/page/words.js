// SPDX-License-Identifier: Apache-2.0
// Numbers, times and states as people read them.

const whole = new Intl.NumberFormat("en");
const BYTES = ["B", "kB", "MB", "GB", "TB", "PB"];
const COUNTS = ["", "k", "M", "G", "T"];

export function number(value) {
  return whole.format(value);
}

function scaled(value, units, step) {
  let left = value;
  let unit = 0;
  while (left >= 999.5 && unit < units.length - 1) {
    left /= step;
    unit++;
  }
  const digits = unit === 0 || left >= 99.95 ? 0 : 1;
  return [left.toFixed(digits), units[unit]];
}

export function bytes(value) {
  return scaled(value, BYTES, 1000).join(" ");
}

/** Packets and bytes a second. */
export function rate(found) {
  if (!found) {
    return "–";
  }
  const [packets, unit] = scaled(found.packets, COUNTS, 1000);
  return `${packets}${unit} pkt/s, ${bytes(found.bytes)}/s`;
}

export function clock(time) {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? String(time) : date.toLocaleTimeString("en-GB");
}

export function moment(time) {
  const date = new Date(time);
  return Number.isNaN(date.getTime())
    ? String(time)
    : `${date.toLocaleDateString("en-CA")} ${date.toLocaleTimeString("en-GB")}`;
}

/** A length of time. */
export function length(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 120) {
    return `${s} s`;
  }
  const minutes = Math.round(s / 60);
  if (minutes < 120) {
    return `${minutes} min`;
  }
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} d`;
}

export function millis(value) {
  return value < 10 ? `${value.toFixed(1)} ms` : value < 10_000 ? `${Math.round(value)} ms` : length(value / 1000);
}

/** What is left of a time to come. */
export function left(until) {
  const seconds = (new Date(until).getTime() - Date.now()) / 1000;
  return seconds <= 0 ? "ending" : `${length(seconds)} left`;
}

const NODE_STATES = {
  disconnected: ["Not connected", "bad"],
  "stand-by": ["Stand-by", "quiet"],
  "in-sync": ["In sync", "good"],
  "in-sync-with-complaints": ["In sync, complaints", "warn"],
  repairing: ["Repairing", "warn"],
  waiting: ["Waiting", "warn"],
};

export function nodeState(node) {
  return NODE_STATES[node.state] ?? [node.state, "warn"];
}

const POD_STATES = {
  mirrored: ["Mirrored", "good"],
  pending: ["Pending", "bad"],
  "not-mirrored": ["Not mirrored", "quiet"],
};

export function podState(pod) {
  return POD_STATES[pod.state] ?? [pod.state, "warn"];
}

const PORT_STATES = {
  up: ["up", "good"],
  down: ["down", "bad"],
  missing: ["missing", "bad"],
  "no-link": ["no link", "warn"],
  unknown: ["unknown", "quiet"],
};

export function portState(port) {
  return PORT_STATES[port.state] ?? [port.state, "warn"];
}

const DIRECTIONS = { both: "both directions", "from-pod": "what it sends", "to-pod": "what it receives" };

export function direction(found) {
  return DIRECTIONS[found] ?? found;
}

export function count(found, one, many) {
  return `${number(found)} ${found === 1 ? one : many}`;
}
