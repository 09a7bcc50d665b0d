/** The last hour of the nodes: loaded from the bridge for all at once, later for single nodes. */

import { getJson } from "./api.js";

/** Nodes that appear within this time are loaded together. */
const BATCH_MS = 500;
/** The bridge caches the empty history of a node that did not answer for 5 s. */
const CACHE_MS = 6000;
/** For more nodes than this, the history of all nodes is loaded. */
const SINGLE_LIMIT = 4;

export class History {
  #onTransitions;
  #names = new Set();

  /** `onTransitions(name, entries)` receives a monitor's record, `[{timestamp, status, duration_seconds}]`. */
  constructor(onTransitions) {
    this.#onTransitions = onTransitions;
  }

  loadAll() {
    return this.#load("api/history?minutes=60");
  }

  /** Load the history of node `name` a little later. */
  loadSoon(name) {
    if (this.#names.size === 0) setTimeout(() => this.#loadBatch(), BATCH_MS);
    this.#names.add(name);
  }

  #loadBatch() {
    const names = [...this.#names];
    this.#names.clear();
    setTimeout(() => {
      if (names.length > SINGLE_LIMIT) this.loadAll();
      else for (const name of names) this.#load(`api/history?minutes=60&node=${encodeURIComponent(name)}`);
    }, CACHE_MS);
  }

  async #load(path) {
    try {
      const { nodes } = await getJson(path);
      for (const [name, entries] of Object.entries(nodes)) this.#onTransitions(name, entries);
    } catch {
      // The strips continue with the states that the page itself observes.
    }
  }
}
