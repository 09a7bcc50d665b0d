/** The nodes of the wall in blocks: groups by a label, or what needs attention before the others. */

import { element, setText } from "./dom.js";
import { attention } from "./orders.js";

export class Blocks {
  #language;
  #states;
  #groups;
  #headings = {
    attention: element("li", { class: "group" }, element("h3")),
    others: element("li", { class: "group" }, element("h3")),
  };

  constructor(language, states, groups) {
    this.#language = language;
    this.#states = states;
    this.#groups = groups;
  }

  /** Return the blocks of `entries`, which are in `order`: `[{heading, entries}]`, `heading` is a list item or null. */
  of(entries, order, now) {
    if (this.#groups.areOn) return this.#groups.blocks(entries);
    const place = order === "attention" ? entries.findIndex((entry) => attention(entry, this.#states, now) === 0) : 0;
    if (place === 0) return [{ heading: null, entries }];
    if (place < 0) return [this.#block("attention", entries)];
    return [this.#block("attention", entries.slice(0, place)), this.#block("others", entries.slice(place))];
  }

  #block(kind, entries) {
    const heading = this.#headings[kind];
    setText(heading.firstChild, `${this.#language.text(kind)} · ${this.#language.number(entries.length)}`);
    return { heading, entries };
  }
}
