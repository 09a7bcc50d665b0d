/** A traffic light: one lamp for each state that a node can report. */

import { element } from "./dom.js";
import { shapeOf } from "./states.js";

/** Decoration only: a page that shows a light writes the state beside it as text. */
export class Light {
  #lamps;
  #shown = null;

  constructor(states) {
    this.#lamps = new Map(states.lamps.map((state) => [state.name, lamp(state)]));
    this.root = element("span", { class: "light", "aria-hidden": "true" }, ...this.#lamps.values());
  }

  /** Light the lamp of `state`, and none for "no answer". */
  show(state) {
    if (state === this.#shown) return;
    this.#lamps.get(this.#shown?.name)?.classList.remove("lit");
    this.#shown = state;
    this.root.classList.toggle("out", state.code === 0);
    const lit = this.#lamps.get(state.name);
    if (!lit) return;
    // All lamps on a page pulse in step, however late they were lit: many out of step make a wall restless.
    lit.style.setProperty("--lit-at", `${performance.now()}ms`);
    lit.classList.add("lit");
  }
}

function lamp(state) {
  const pace = state.code >= 3 ? "fast" : state.code === 2 ? "slow" : null;
  const bulb = element("span", { class: "lamp", "data-lamp": state.name, "data-pace": pace }, shapeOf(state));
  bulb.style.setProperty("--colour", state.colour);
  return bulb;
}
