// SPDX-License-Identifier: Apache-2.0
// Answers the list of pods with 5,000 of them, the first with a name that would like to be markup.
(() => {
  const real = window.fetch;
  const none = { packets: 0, bytes: 0 };
  const pods = Array.from({ length: 5000 }, (_, i) => ({
    namespace: `team-${i % 40}`,
    name: i === 0 ? "<img src=x onerror=alert(1)>" : `pod-${i}`,
    interface: "",
    node: `n${1 + (i % 2)}`,
    port: { name: `port${i}`, ofport: i + 10, datapathKey: 3, portKey: i + 1 },
    mirrored: i % 10 === 0,
    state: i % 10 === 0 ? "mirrored" : "not-mirrored",
    reason: "",
    askedBy: i % 10 === 0 ? ["the configuration"] : [],
    copies: { fromPod: none, toPod: none },
  }));
  window.fetch = (path, options) =>
    String(path).startsWith("/v1/pods?")
      ? Promise.resolve(Response.json({ items: pods, total: pods.length }))
      : real(path, options);
  window.longest = 0;
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) {
      window.longest = Math.max(window.longest, task.duration);
    }
  }).observe({ type: "longtask", buffered: true });
})();
