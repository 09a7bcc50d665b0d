/** Groups of nodes by one of the inventory's labels, such as the room; a group's heading also filters. */

import { element, setAttribute, setText } from "./dom.js";
import { labelsOf } from "./nodes.js";
import { preference, remember } from "./preferences.js";

const NONE = "";
const collator = new Intl.Collator("zh-CN", { numeric: true });

export class Groups {
  #language;
  #onChange;
  #select = document.getElementById("group");
  #keys = [];
  #headings = new Map();
  /** The value of the label that is shown alone; null for all. */
  value = null;

  /** `onChange()` is called after each change of a choice. */
  constructor(language, onChange) {
    this.#language = language;
    this.#onChange = onChange;
    this.#select.addEventListener("change", () => {
      remember("group", this.#select.value);
      this.value = null;
      onChange();
    });
    language.onChange(() => this.#write());
  }

  /** Offer the labels of `nodes`; the control is hidden without any. */
  update(nodes) {
    const keys = [...new Set(nodes.flatMap((node) => Object.keys(labelsOf(node))))].sort(collator.compare);
    if (keys.join("\n") === this.#keys.join("\n")) return;
    this.#keys = keys;
    const chosen = this.#select.value || preference("group", keys) || NONE;
    this.#select.replaceChildren(...[NONE, ...keys].map((value) => element("option", { value })));
    this.#select.value = keys.includes(chosen) ? chosen : NONE;
    this.#select.hidden = keys.length === 0;
    if (this.#select.value === NONE) this.value = null;
    this.#write();
  }

  /** Return whether `node` is to be shown. */
  admits(node) {
    return this.value === null || this.#valueOf(node) === this.value;
  }

  /** Whether the nodes are in groups. */
  get areOn() {
    return this.#select.value !== NONE;
  }

  /** Return the groups of `entries`, which are sorted: `[{heading, entries}]`, headings are list items. */
  blocks(entries) {
    const groups = new Map();
    for (const entry of entries) {
      const value = this.#valueOf(entry.node);
      if (!groups.has(value)) groups.set(value, []);
      groups.get(value).push(entry);
    }
    // Nodes without the label are the last group.
    const values = [...groups.keys()].sort((a, b) => (a === "") - (b === "") || collator.compare(a, b));
    return values.map((value) => ({ heading: this.#heading(value, groups.get(value).length), entries: groups.get(value) }));
  }

  #valueOf(node) {
    return labelsOf(node)[this.#select.value] ?? "";
  }

  #heading(value, count) {
    if (!this.#headings.has(value)) this.#headings.set(value, this.#newHeading(value));
    const heading = this.#headings.get(value);
    const button = heading.firstChild;
    setText(button, `${value || this.#language.text("no_group")} · ${this.#language.number(count)}`);
    setAttribute(button, "aria-pressed", this.value === value);
    return heading;
  }

  #newHeading(value) {
    const button = element("button", { type: "button" });
    button.addEventListener("click", () => {
      this.value = this.value === value ? null : value;
      this.#onChange();
    });
    return element("li", { class: "group" }, button);
  }

  #write() {
    const title = this.#language.text("group");
    for (const option of this.#select.options) {
      setText(option, `${title}: ${option.value === NONE ? this.#language.text("group_none") : option.value}`);
    }
  }
}
