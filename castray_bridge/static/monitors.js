/** Addresses of the nodes' own pages, from the bridge's service discovery. */

import { getJson } from "./api.js";

const RETRY_MS = 5000;

export class MonitorPages {
  #onPages;
  #retry = null;

  /** `onPages(pages)` gets the addresses as a Map by the nodes' names. */
  constructor(onPages) {
    this.#onPages = onPages;
  }

  /** Load now, and retry until the bridge answers: service discovery is 503 while Ray does not answer. */
  async load() {
    clearTimeout(this.#retry);
    try {
      const groups = await getJson("sd/prometheus");
      this.#onPages(new Map(groups.map(({ targets, labels }) => [labels.node, `http://${targets[0]}/`])));
    } catch {
      this.#retry = setTimeout(() => this.load(), RETRY_MS);
    }
  }
}
