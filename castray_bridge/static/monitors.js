/** Where each node's own page is: the bridge tells Prometheus, and us. */

import { ask } from "./api.js";

/** Return the addresses of the nodes' pages as a Map by name; an empty one when the bridge does not say. */
export async function monitorPages() {
  try {
    const groups = await ask("sd/prometheus");
    return new Map(groups.map(({ targets, labels }) => [labels.node, `http://${targets[0]}/`]));
  } catch {
    return new Map();
  }
}
