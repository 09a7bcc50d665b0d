/** A small labelled bar for a percentage. */

import { element, setAttribute, setText } from "./dom.js";

export class Meter {
  #label = element("dt");
  #value = element("dd", { class: "value" });
  #fill = element("span", { class: "fill" });
  #bar = element("span", { class: "bar", role: "meter", "aria-valuemin": "0", "aria-valuemax": "100" }, this.#fill);

  constructor() {
    this.root = element("div", { class: "meter" }, this.#label, this.#value, element("dd", {}, this.#bar));
  }

  /** Show `percent`, or `instead` of it a text when there is no figure. */
  show(label, percent, instead = null) {
    const shown = instead === null ? Math.max(0, Math.min(100, percent)) : 0;
    const text = instead ?? `${Math.round(shown)}%`;
    setText(this.#label, label);
    setText(this.#value, text);
    this.root.classList.toggle("full", shown >= 90);
    this.root.classList.toggle("absent", instead !== null);
    setAttribute(this.#bar, "aria-label", label);
    setAttribute(this.#bar, "aria-valuenow", Math.round(shown));
    setAttribute(this.#bar, "aria-valuetext", text);
    this.#fill.style.transform = `scaleX(${(shown / 100).toFixed(3)})`;
  }
}
