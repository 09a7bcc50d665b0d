/** Counts by state, which are also filters; search, sort order and view. */

import { element, setAttribute, setText } from "./dom.js";
import { ORDERS } from "./orders.js";
import { preference, remember } from "./preferences.js";
import { shapeOf } from "./states.js";

const VIEWS = ["auto", "cards", "tiles", "grid"];
const ALL = "all";

export class Toolbar {
  #language;
  #onChange;
  #chips = new Map();
  #lost = element("span", { class: "lost" });
  #search = document.getElementById("search");
  #sort = document.getElementById("sort");
  #view = document.getElementById("view");

  /** `onChange()` is called after each change of a choice. */
  constructor(states, language, onChange) {
    this.#language = language;
    this.#onChange = onChange;
    this.state = preference("state", states.all.map((state) => state.name)) ?? ALL;
    this.#search.value = new URLSearchParams(location.search).get("q") ?? "";
    this.#offer(this.#sort, "sort", ORDERS);
    this.#offer(this.#view, "view", VIEWS);
    this.#addChip(ALL, null);
    // The busiest first, as in the lights of the cards; "no answer" is the last.
    const busiestFirst = [...states.lamps].reverse();
    for (const state of [...busiestFirst, states.unknown]) this.#addChip(state.name, state);
    this.#chips.get(states.unknown.name).chip.append(this.#lost);
    document.getElementById("tools").addEventListener("submit", (event) => event.preventDefault());
    this.#search.addEventListener("input", onChange);
    language.onChange(() => this.#label());
    this.#label();
  }

  get query() {
    return this.#search.value;
  }

  get order() {
    return this.#sort.value;
  }

  /** Use `order` unless the viewer chose one. */
  suggestOrder(order) {
    if (preference("sort", ORDERS) === null) this.#sort.value = order;
  }

  get view() {
    return this.#view.value;
  }

  /** Whether all nodes are shown. */
  get admitsAll() {
    return this.state === ALL && this.query.trim() === "";
  }

  /** Return whether nodes in `state` are to be shown. */
  admits(state) {
    return this.state === ALL || this.state === state.name;
  }

  /** Show the number of nodes per state; `count` is a Map from names. `lost` of those without answer left the cluster. */
  showCounts(count, total, lost) {
    for (const [name, { number, chip }] of this.#chips) {
      const nodes = name === ALL ? total : (count.get(name) ?? 0);
      setText(number, this.#language.number(nodes));
      chip.classList.toggle("zero", nodes === 0);
    }
    const lostText = (key) => (lost > 0 ? this.#language.text(key, { count: this.#language.number(lost) }) : "");
    setText(this.#lost, lostText("lost"));
    setAttribute(this.#lost, "title", lostText("lost_hint"));
  }

  #addChip(name, state) {
    const number = element("strong", {}, "–");
    const label = element("span");
    const chip = element("button", { class: "chip", type: "button" }, ...(state ? [shapeOf(state)] : []), number, label);
    if (state) chip.style.setProperty("--colour", state.colour);
    chip.dataset.state = name;
    chip.addEventListener("click", () => {
      this.state = this.state === name ? ALL : name;
      this.#press();
      this.#onChange();
    });
    this.#chips.set(name, { chip, number, label, state });
    document.getElementById("counts").append(chip);
  }

  #press() {
    for (const [name, { chip }] of this.#chips) setAttribute(chip, "aria-pressed", name === this.state);
  }

  #offer(select, name, values) {
    select.append(...values.map((value) => element("option", { value })));
    select.value = preference(name, values) ?? values[0];
    select.addEventListener("change", () => {
      remember(name, select.value);
      this.#onChange();
    });
  }

  #label() {
    for (const { label, state } of this.#chips.values()) {
      setText(label, state ? this.#language.state(state) : this.#language.text("all"));
    }
    for (const [select, name] of [[this.#sort, "sort"], [this.#view, "view"]]) {
      const title = this.#language.text(name);
      for (const option of select.options) setText(option, `${title}: ${this.#language.text(`${name}_${option.value}`)}`);
    }
    this.#press();
  }
}
