/** Links to Alertmanager's own page. */

import { loadTable } from "./states.js";

/** Return the address of Alertmanager's page, null where none is configured. */
export async function loadAlertmanager() {
  return (await loadTable("static/links.json")).alertmanager;
}

/** Return where Alertmanager makes a new silence of `node`, which the user there completes. */
export function newSilence(alertmanager, node) {
  const matchers = `{node="${node.replace(/["\\]/g, "\\$&")}"}`;
  return `${alertmanager.replace(/\/+$/, "")}/#/silences/new?filter=${encodeURIComponent(matchers)}`;
}
