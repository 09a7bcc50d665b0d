/** The last hour of the nodes: asked of the bridge once for all, then for single nodes. */

import { ask } from "./api.js";

/** A node that answers again is asked after the bridge has forgotten that it did not. */
const AFTER_ABSENCE_MS = 6000;

export class History {
  #onStays;
  #waiting = new Set();

  /** `onStays(name, entries)` gets what a node's monitor recorded, `[{timestamp, status, duration_seconds}]`. */
  constructor(onStays) {
    this.#onStays = onStays;
  }

  loadAll() {
    return this.#load("api/history?minutes=60");
  }

  /** Ask for node `name` a little later. */
  loadSoon(name) {
    if (this.#waiting.has(name)) return;
    this.#waiting.add(name);
    setTimeout(() => {
      this.#waiting.delete(name);
      this.#load(`api/history?minutes=60&node=${encodeURIComponent(name)}`);
    }, AFTER_ABSENCE_MS);
  }

  async #load(path) {
    try {
      const { nodes } = await ask(path);
      for (const [name, entries] of Object.entries(nodes)) this.#onStays(name, entries);
    } catch {
      // The strips go on with what the page sees itself.
    }
  }
}
