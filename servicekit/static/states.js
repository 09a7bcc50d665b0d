/** The table of work states, as the server gives it, and the shape that each state has beside its colour. */

import { drawing } from "./dom.js";

/** Outlines in a 16 × 16 box, by the state's code; codes beyond the list share the last one. */
const SHAPES = [
  "M3 3 13 13M13 3 3 13", // cross: no answer
  "M8 2.5a5.5 5.5 0 1 1 0 11a5.5 5.5 0 1 1 0-11Z", // disc
  "M8 1.5 14.5 8 8 14.5 1.5 8Z", // diamond
  "M8 2 15 14H1Z", // triangle
  "M2.5 2.5h11v11h-11Z", // square
];
/** The largest number of a shape. */
export const SIGNS_AT_MOST = SHAPES.length - 1;
const RETRY_MS = 2000;

/** The states in the order of their codes; code 0 is "no answer" and has no lamp. */
export class States {
  #byName;

  constructor(rows) {
    this.all = [...rows].sort((a, b) => a.code - b.code);
    this.lamps = this.all.filter((state) => state.code > 0);
    this.unknown = this.all[0];
    this.#byName = new Map(this.all.map((state) => [state.name, state]));
  }

  /** Return the state called `name`; "no answer" for a name that the table does not have. */
  named(name) {
    return this.#byName.get(name) ?? this.unknown;
  }

  /** Return how high a bar of `state` stands, 0 to 1: the second sign, beside its colour. */
  level(state) {
    const highest = this.all.at(-1).code;
    return state.code === 0 ? 0.18 : 0.4 + (0.6 * (state.code - 1)) / Math.max(1, highest - 1);
  }
}

/** Fetch the table of states. */
export async function loadStates() {
  return new States(await loadTable("static/states.json"));
}

/** Fetch the JSON at `path`; retried until the server answers. */
export async function loadTable(path) {
  for (;;) {
    try {
      const reply = await fetch(path);
      if (reply.ok) return await reply.json();
    } catch {
      // The server is away, perhaps restarting.
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** Return the shape of `state` as an SVG element in the current text colour. */
export function shapeOf(state) {
  const path = drawing("path", { d: SHAPES[Math.min(state.code, SIGNS_AT_MOST)] });
  return drawing("svg", { class: state.code === 0 ? "shape line" : "shape", viewBox: "0 0 16 16", "aria-hidden": "true" }, path);
}
