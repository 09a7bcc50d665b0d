/** One node's card beside its square: for as long as pointer or focus is on it, or until it is closed. */

import { Card } from "./cards.js";
import { element, setAttribute } from "./dom.js";

const MARGIN = 8;

export class Details {
  #page;
  #onSeen;
  #card = null;
  #anchor = null;
  #list = element("ul", { class: "cards", role: "list" });
  #close = element("button", { class: "close", type: "button" });
  #root = element("div", { class: "details", hidden: true }, this.#list, this.#close);
  /** The node that is shown; null for none. */
  entry = null;
  isPinned = false;

  /** `onSeen(entry)` is called when a node's card is shown; `page` is as for `Card`. */
  constructor(page, onSeen) {
    this.#page = page;
    this.#onSeen = onSeen;
    document.body.append(this.#root);
    this.#close.addEventListener("click", () => this.#giveBack());
    this.#root.addEventListener("keydown", (event) => event.key === "Escape" && this.#giveBack());
  }

  /** Show the card of `entry` beside `anchor`, its square. */
  show(entry, anchor) {
    if (this.entry === entry) return;
    this.#unbuild();
    this.entry = entry;
    this.#anchor = anchor;
    const item = element("li");
    this.#list.replaceChildren(item);
    this.#card = new Card(this.#page, entry, item);
    this.#describe();
    this.#root.hidden = false;
    this.#place();
    this.#onSeen(entry);
  }

  /** Show it until it is closed, with the focus in it. The same node again closes it. */
  pin(entry, anchor) {
    const isAgain = this.isPinned && this.entry === entry;
    if (isAgain) return this.#giveBack();
    this.isPinned = false;
    this.show(entry, anchor);
    this.isPinned = true;
    this.#describe();
    this.#place();
    this.#close.focus();
  }

  hide() {
    this.isPinned = false;
    this.#root.hidden = true;
    this.#unbuild();
  }

  hideUnlessPinned() {
    if (!this.isPinned) this.hide();
  }

  write() {
    this.#describe();
    this.#card?.write();
  }

  redraw() {
    this.#card?.redraw();
  }

  tick(now) {
    this.#card?.tick(now);
  }

  /** To a screen reader the card is a dialog once it has the focus; before, the square's own label says it all. */
  #describe() {
    const { language } = this.#page;
    setAttribute(this.#root, "aria-hidden", this.isPinned ? null : "true");
    setAttribute(this.#root, "role", this.isPinned ? "dialog" : null);
    setAttribute(this.#root, "aria-label", language.text("details", { name: this.entry.node.name }));
    setAttribute(this.#close, "aria-label", language.text("close"));
    this.#close.hidden = !this.isPinned;
    this.#root.classList.toggle("pinned", this.isPinned);
  }

  #place() {
    const box = this.#anchor.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.#root;
    const below = box.bottom + MARGIN;
    const top = below + height <= innerHeight ? below : box.top - MARGIN - height;
    const left = Math.min(box.left, innerWidth - width - MARGIN);
    this.#root.style.top = `${Math.max(MARGIN, top)}px`;
    this.#root.style.left = `${Math.max(MARGIN, left)}px`;
  }

  /** Hide it, and give the focus back to the square, which shows nothing until it is left. */
  #giveBack() {
    const anchor = this.#anchor;
    this.hide();
    anchor?.focus();
    this.hide();
  }

  #unbuild() {
    this.#card?.end();
    this.#card = this.#anchor = this.entry = null;
    this.#list.replaceChildren();
  }
}
