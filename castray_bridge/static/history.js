/** The last hour of the nodes in view: asked from the bridge for many at once, and only when it is needed. */

import { getJson } from "./api.js";

/** Nodes that come into view within this time are asked for together. */
const BATCH_MS = 500;
/** The bridge takes so many names in one request. */
const BATCH_SIZE = 100;
/** What is older is asked for again when the node comes into view. */
const FRESH_MS = 60_000;
/** The bridge caches the empty history of a node that did not answer for 5 s. */
const CACHE_MS = 6000;
const RETRY_MS = 10_000;

export class History {
  #onLoaded;
  #timer = null;
  /** The entries to ask for, and the earliest time for each. */
  #wanted = new Map();

  /** `onLoaded(entry)` is called after the last hour of `entry`, one of the fleet's, was filled in. */
  constructor(onLoaded) {
    this.#onLoaded = onLoaded;
  }

  /** Ask for the last hour of `entry` soon, unless it is known. */
  want(entry, now) {
    if (now - entry.historyAt < FRESH_MS || this.#wanted.has(entry)) return;
    this.#wanted.set(entry, now);
    this.#schedule();
  }

  /** Ask for the last hour of `entry`, whose monitor answers again, once the bridge can have it. */
  wantAgain(entry, now) {
    this.#wanted.set(entry, now + CACHE_MS);
    this.#schedule();
  }

  /** No longer ask for `entry`. */
  forget(entry) {
    this.#wanted.delete(entry);
  }

  #schedule() {
    this.#timer ??= setTimeout(() => this.#loadBatch(), BATCH_MS);
  }

  #loadBatch() {
    this.#timer = null;
    const now = Date.now();
    const due = [...this.#wanted].filter(([, time]) => time <= now).map(([entry]) => entry);
    const batch = due.slice(0, BATCH_SIZE);
    for (const entry of batch) {
      this.#wanted.delete(entry);
      entry.historyAt = now;
    }
    if (this.#wanted.size > 0) this.#schedule();
    if (batch.length > 0) this.#load(batch);
  }

  async #load(batch) {
    const query = new URLSearchParams({ minutes: 60, step: 60 });
    for (const { node } of batch) query.append("node", node.name);
    try {
      const { nodes } = await getJson(`api/history?${query}`);
      const now = Date.now();
      for (const entry of batch) {
        const hour = nodes[entry.node.name];
        if (!hour) continue;
        // A bridge that does not know `step` sends transitions.
        if (Array.isArray(hour)) entry.record.loadTransitions(hour, now);
        else entry.record.load(hour, now);
        this.#onLoaded(entry);
      }
    } catch {
      // Meanwhile the strips show what the page itself observes.
      for (const entry of batch) this.#wanted.set(entry, Date.now() + RETRY_MS);
      this.#schedule();
    }
  }
}
