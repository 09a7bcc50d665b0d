/** The last hour of the nodes: asked of the bridge once for all, then for single nodes. */

import { ask } from "./api.js";

/** Nodes that come within this are asked together. */
const GATHER_MS = 500;
/** A node that answers again is asked after the bridge has forgotten that it did not. */
const AFTER_ABSENCE_MS = 6000;
/** Of more nodes than this, all are asked at once. */
const SINGLY_AT_MOST = 4;

export class History {
  #onStays;
  #names = new Set();

  /** `onStays(name, entries)` gets what a node's monitor recorded, `[{timestamp, status, duration_seconds}]`. */
  constructor(onStays) {
    this.#onStays = onStays;
  }

  loadAll() {
    return this.#load("api/history?minutes=60");
  }

  /** Ask for node `name` a little later. */
  loadSoon(name) {
    if (this.#names.size === 0) setTimeout(() => this.#loadGathered(), GATHER_MS);
    this.#names.add(name);
  }

  #loadGathered() {
    const names = [...this.#names];
    this.#names.clear();
    setTimeout(() => {
      if (names.length > SINGLY_AT_MOST) this.loadAll();
      else for (const name of names) this.#load(`api/history?minutes=60&node=${encodeURIComponent(name)}`);
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
