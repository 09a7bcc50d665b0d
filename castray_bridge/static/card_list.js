/** Nodes as cards or tiles: only those in view are built, the others are list items with name and state as text. */

import { Card } from "./cards.js";
import { element, setText } from "./dom.js";

/** Cards are built this far outside of the window, so that scrolling and the Tab key find them. */
const MARGIN = "100px";

export class CardList {
  #page;
  #onSeen;
  #items = new Map();
  #entries = new WeakMap();
  #observer = new IntersectionObserver((changes) => this.#see(changes), { rootMargin: MARGIN });
  #onClick = (event) => this.#click(event);

  /** `onSeen(entry)` is called when a node's card comes into view; `page` is as for `Card`. */
  constructor(page, onSeen) {
    this.#page = page;
    this.#onSeen = onSeen;
  }

  /** The entries whose cards are built. */
  get inView() {
    return [...this.#items].filter(([, { card }]) => card).map(([entry]) => entry);
  }

  /** Whether all are built: the page then has its final size. */
  get isComplete() {
    return [...this.#items.values()].every(({ card }) => card !== null);
  }

  /** Return the list item of `entry`. */
  element(entry) {
    if (!this.#items.has(entry)) this.#add(entry);
    return this.#items.get(entry).root;
  }

  /** Show what `entry` says now. */
  write(entry) {
    const item = this.#items.get(entry);
    if (item?.card) item.card.write();
    else if (item) this.#writePlain(entry, item.root);
  }

  /** Draw the last hour of `entry` again. */
  redraw(entry) {
    this.#items.get(entry)?.card?.redraw();
  }

  remove(entry) {
    const item = this.#items.get(entry);
    if (!item) return;
    this.#observer.unobserve(item.root);
    item.card?.end();
    item.root.remove();
    this.#items.delete(entry);
  }

  /** Remove all. */
  clear() {
    for (const entry of [...this.#items.keys()]) this.remove(entry);
  }

  tick(now) {
    for (const { card } of this.#items.values()) card?.tick(now);
  }

  #add(entry) {
    const root = element("li", { class: "card" });
    root.addEventListener("click", this.#onClick);
    this.#items.set(entry, { root, card: null });
    this.#entries.set(root, entry);
    this.#writePlain(entry, root);
    this.#observer.observe(root);
  }

  #writePlain({ node, state }, root) {
    setText(root, `${node.name} · ${this.#page.language.state(state)}`);
    root.dataset.state = state.name;
    root.style.setProperty("--colour", state.colour);
  }

  #see(changes) {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    for (const { target, isIntersecting, boundingClientRect } of changes) {
      const entry = this.#entries.get(target);
      const item = this.#items.get(entry);
      if (!item) continue;
      if (isIntersecting && !item.card) {
        item.card = new Card(this.#page, entry, target);
        this.#onSeen(entry);
      } else if (!isIntersecting && item.card && !target.contains(document.activeElement)) {
        item.card.end();
        item.card = null;
        this.#writePlain(entry, target);
        // The rows below must not move, or they would be in view again.
        target.style.setProperty("--height", `${boundingClientRect.height / rem}rem`);
      }
    }
  }

  #click(event) {
    if (event.target.closest("a, .strip")) return;
    this.#items.get(this.#entries.get(event.currentTarget))?.card?.toggle();
  }
}
