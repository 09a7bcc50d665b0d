/** Where each node's own page is: the bridge tells Prometheus, and us. */

import { ask } from "./api.js";

const RETRY_MS = 5000;

export class MonitorPages {
  #onPages;
  #retry = null;

  /** `onPages(pages)` gets the addresses as a Map by the nodes' names. */
  constructor(onPages) {
    this.#onPages = onPages;
  }

  /** Ask now, and again until the bridge knows: it says nothing while Ray does not answer it. */
  async load() {
    clearTimeout(this.#retry);
    try {
      const groups = await ask("sd/prometheus");
      this.#onPages(new Map(groups.map(({ targets, labels }) => [labels.node, `http://${targets[0]}/`])));
    } catch {
      this.#retry = setTimeout(() => this.load(), RETRY_MS);
    }
  }
}
