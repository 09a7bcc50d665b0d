/** The table of reasons for which a node has no status, from the server. */

import { loadTable } from "./states.js";

/** Fetch the table; returns a Map from names to `{en, zh}`. */
export async function loadFailures() {
  const rows = await loadTable("static/failures.json");
  return new Map(rows.map((row) => [row.name, row]));
}
