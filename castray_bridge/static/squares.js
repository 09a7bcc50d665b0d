/** Nodes as a grid of squares, for hundreds and thousands: shape, colour and short name; details beside the one in focus. */

import { Details } from "./details.js";
import { element, setAttribute, setText } from "./dom.js";
import { silencedUntil } from "./nodes.js";
import { shortName } from "./short_name.js";
import { SIGNS_AT_MOST } from "./states.js";

/** A pointer that only passes by opens nothing. */
const HOVER_MS = 80;

export class Squares {
  #page;
  #list;
  #details;
  #items = new Map();
  #entries = new WeakMap();
  /** The one square that the Tab key finds. */
  #current = null;
  #hover = null;

  /** `list` is the element that the squares stand in; `onSeen` and `page` are as for `CardList`. */
  constructor(list, page, onSeen) {
    this.#list = list;
    this.#page = page;
    this.#details = new Details(page, onSeen);
    list.addEventListener("pointerover", (event) => this.#point(event));
    list.addEventListener("pointerleave", () => this.#leave());
    list.addEventListener("focusin", (event) => this.#focus(event));
    list.addEventListener("focusout", () => this.#details.hideUnlessPinned());
    list.addEventListener("click", (event) => this.#pin(event));
    list.addEventListener("keydown", (event) => this.#press(event));
  }

  get inView() {
    return this.#details.entry ? [this.#details.entry] : [];
  }

  get isComplete() {
    return true;
  }

  /** Return the list item of `entry`. */
  element(entry) {
    if (!this.#items.has(entry)) this.#add(entry);
    return this.#items.get(entry).root;
  }

  /** Show what `entry` says now. */
  write(entry) {
    const item = this.#items.get(entry);
    if (!item) return;
    const { button } = item;
    const { node, state } = entry;
    if (item.state !== state) {
      item.state = state;
      button.dataset.state = state.name;
      button.dataset.sign = Math.min(state.code, SIGNS_AT_MOST);
      button.style.setProperty("--shade", state.shade);
    }
    setText(button, shortName(String(node.name)));
    button.classList.toggle("warned", node.workStatusStale === true || Boolean(node.nameConflict));
    button.classList.toggle("silenced", silencedUntil(node) !== null);
    setAttribute(button, "aria-label", this.#sentence(entry));
    if (this.#details.entry === entry) this.#details.write();
  }

  /** Draw the last hour of `entry` again. */
  redraw(entry) {
    if (this.#details.entry === entry) this.#details.redraw();
  }

  remove(entry) {
    const item = this.#items.get(entry);
    if (!item) return;
    if (this.#details.entry === entry) this.#details.hide();
    if (this.#current === item.button) this.#current = null;
    item.root.remove();
    this.#items.delete(entry);
  }

  /** Remove all. */
  clear() {
    this.#leave();
    this.#details.hide();
    for (const entry of [...this.#items.keys()]) this.remove(entry);
  }

  tick(now) {
    this.#details.tick(now);
    if (!this.#current?.isConnected) this.#makeCurrent(this.#list.querySelector(".square"));
  }

  #add(entry) {
    const button = element("button", { class: "square", type: "button", tabindex: "-1" });
    const root = element("li", {}, button);
    this.#items.set(entry, { root, button, state: null });
    this.#entries.set(button, entry);
    this.write(entry);
    if (this.#current === null) this.#makeCurrent(button);
  }

  /** Return what a screen reader says: name, state, since when, and what else is known. */
  #sentence({ node, state, since, record }) {
    const { language } = this.#page;
    const until = silencedUntil(node);
    return [
      node.name,
      language.state(state),
      since !== null && !record.isOlder && language.text("since", { clock: language.clock(since) }),
      node.workStatusStale === true && language.text("stale"),
      node.nameConflict && language.text(`name_${node.nameConflict}`, { name: node.monitorName }),
      until !== null && language.text("silenced", { clock: language.moment(until) }),
    ]
      .filter(Boolean)
      .join(", ");
  }

  #point(event) {
    const square = event.target.closest(".square");
    clearTimeout(this.#hover);
    if (!square || event.pointerType !== "mouse") return;
    this.#hover = setTimeout(() => square.isConnected && this.#show(square), HOVER_MS);
  }

  #leave() {
    clearTimeout(this.#hover);
    this.#details.hideUnlessPinned();
  }

  #focus(event) {
    const square = event.target.closest(".square");
    if (!square) return;
    this.#makeCurrent(square);
    this.#show(square);
  }

  #show(square) {
    if (!this.#details.isPinned) this.#details.show(this.#entries.get(square), square);
  }

  #pin(event) {
    const square = event.target.closest(".square");
    if (square) this.#details.pin(this.#entries.get(square), square);
  }

  #press(event) {
    if (event.key === "Escape") this.#details.hide();
    const square = event.target.closest(".square");
    const target = square && this.#neighbour(square, event.key);
    if (!target) return;
    event.preventDefault();
    target.focus();
  }

  #makeCurrent(square) {
    this.#current?.setAttribute("tabindex", "-1");
    this.#current = square;
    square?.setAttribute("tabindex", "0");
  }

  /** Return the square that the key leads to: by order to the sides, by place up and down; null if there is none. */
  #neighbour(square, key) {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 1, ArrowUp: -1 }[key];
    if (!step && key !== "Home" && key !== "End") return null;
    const all = [...this.#list.querySelectorAll(".square")];
    if (!step) return key === "Home" ? all[0] : all.at(-1);
    const place = all.indexOf(square);
    if (key === "ArrowRight" || key === "ArrowLeft") return all[place + step] ?? null;
    const { left, top } = square.getBoundingClientRect();
    const rest = step > 0 ? all.slice(place + 1) : all.slice(0, place).reverse();
    const boxes = rest.map((each) => each.getBoundingClientRect());
    const first = boxes.find((box) => box.top !== top);
    const row = rest.filter((_, index) => boxes[index].top === first?.top);
    const distance = (each) => Math.abs(each.getBoundingClientRect().left - left);
    return row.reduce((best, each) => (best && distance(best) <= distance(each) ? best : each), null);
  }
}
