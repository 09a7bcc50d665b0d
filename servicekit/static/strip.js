/**
 * The last hour of a node as a strip: colour and height tell the state, pointer and arrow keys the details.
 *
 * A strip shows a record: `since`, when the present state began, and `items(now)`, what happened in the hour before
 * `now`, oldest first: `[{start, end, parts: [{status, time}]}]` in milliseconds, the parts in the order of the states.
 */

import { element, setAttribute, setText } from "./dom.js";
import { HOUR_MS } from "./timeline.js";

const REDRAW_MS = 5000;
const QUARTERS = [0.25, 0.5, 0.75];

/** All strips of a page: one clock, one observer of sizes and one tooltip for any number of them. */
export class Strips {
  #waiting = new Set();
  #strips = new Set();
  #sizes = new ResizeObserver((changes) => changes.forEach(({ target }) => this.redraw(target.strip)));

  constructor(states, language) {
    this.states = states;
    this.language = language;
    this.tooltip = element("div", { class: "tooltip", hidden: true, "aria-hidden": "true" });
    document.body.append(this.tooltip);
    setInterval(() => this.#strips.forEach((strip) => this.redraw(strip)), REDRAW_MS);
    language.onChange(() => this.#strips.forEach((strip) => strip.describe()));
  }

  /** Return a new strip that shows `record`; `name` is the node's. */
  add(record, name) {
    const strip = new Strip(this, record, name);
    this.#strips.add(strip);
    this.#sizes.observe(strip.root);
    return strip;
  }

  remove(strip) {
    this.#sizes.unobserve(strip.root);
    this.#strips.delete(strip);
  }

  /** Draw `strip` before the next frame. */
  redraw(strip) {
    if (this.#waiting.size === 0) requestAnimationFrame(() => this.#drawWaiting());
    this.#waiting.add(strip);
  }

  #drawWaiting() {
    const now = Date.now();
    const strips = [...this.#waiting];
    this.#waiting.clear();
    // All are measured before the first is drawn, because measuring after drawing lays out the whole page again.
    const places = strips.map((strip) => strip.measure());
    const colour = strips.length > 0 ? getComputedStyle(strips[0].root).color : "";
    strips.forEach((strip, index) => strip.draw(now, places[index], colour));
  }
}

/** One strip; made by `Strips`. To assistive technology it is a slider whose text is the item under it. */
class Strip {
  #page;
  #record;
  #name;
  #canvas = element("canvas");
  #cursor = null;
  /** When the state began that assistive technology was last told of. */
  #described = null;

  constructor(page, record, name) {
    this.#page = page;
    this.#record = record;
    this.#name = name;
    const role = { role: "slider", tabindex: "0", "aria-valuemin": "-60", "aria-valuemax": "0" };
    this.root = element("div", { class: "strip", ...role }, this.#canvas);
    this.root.strip = this;
    this.root.addEventListener("pointermove", (event) => this.#point(event));
    this.root.addEventListener("pointerdown", (event) => this.#point(event));
    this.root.addEventListener("pointerleave", () => this.#leave());
    this.root.addEventListener("keydown", (event) => this.#press(event));
    this.root.addEventListener("focus", () => this.describe());
    this.root.addEventListener("blur", () => this.#leave());
    this.describe();
  }

  /** Return the size in device pixels. */
  measure() {
    const { clientWidth, clientHeight } = this.root;
    return { width: Math.round(clientWidth * devicePixelRatio), height: Math.round(clientHeight * devicePixelRatio) };
  }

  /**
   * Draw the hour before `now` in device pixels, with the quarters in `colour`.
   *
   * What happened is at least one pixel wide, and the higher states win.
   */
  draw(now, { width, height }, colour) {
    if (width === 0 || height === 0) return;
    if (this.#canvas.width !== width) this.#canvas.width = width;
    if (this.#canvas.height !== height) this.#canvas.height = height;
    const pen = this.#canvas.getContext("2d");
    pen.clearRect(0, 0, width, height);
    const x = (time) => Math.round((1 - (now - time) / HOUR_MS) * width);
    const bars = this.#record.items(now).flatMap((item) => this.#bars(item, height));
    for (const { state, start, end, bottom, top } of bars.sort((a, b) => a.state.code - b.state.code)) {
      pen.fillStyle = state.colour;
      pen.fillRect(x(start), height - top, Math.max(1, x(end) - x(start)), top - bottom);
    }
    pen.fillStyle = colour;
    const tick = Math.max(1, Math.round(devicePixelRatio / 2));
    for (const quarter of QUARTERS) pen.fillRect(Math.round(quarter * width), 0, tick, height);
    // With the focus on it, each new text would be read out.
    if (this.#record.since !== this.#described && document.activeElement !== this.root) this.describe();
  }

  /** Return the bars of `item`, one upon the other: each as high as its state stands, times its share of the time. */
  #bars({ start, end, parts }, height) {
    const { states } = this.#page;
    let top = 0;
    return parts.map(({ status, time }) => {
      const state = states.named(status);
      const bottom = top;
      top = bottom + Math.max(1, Math.round((states.level(state) * height * time) / (end - start)));
      return { state, start, end, bottom, top };
    });
  }

  /** Tell assistive technology what is under the cursor: the present, unless the viewer moved it. */
  describe() {
    const now = Date.now();
    this.#described = this.#record.since;
    const item = this.#cursor ?? this.#record.items(now).at(-1);
    setAttribute(this.root, "aria-label", `${this.#page.language.text("last_hour")}: ${this.#name}`);
    setAttribute(this.root, "aria-valuenow", item ? Math.round((item.start - now) / 60_000) : 0);
    setAttribute(this.root, "aria-valuetext", this.#sentence(item));
  }

  #sentence(item) {
    const { language, states } = this.#page;
    if (!item) return language.text("no_record");
    const span = `${language.clock(item.start)} – ${language.clock(item.end)}`;
    const words = ({ status, time }) => [language.state(states.named(status)), language.duration(time)];
    if (item.parts.length === 1) {
      const [state, duration] = words(item.parts[0]);
      return `${state} · ${span} · ${duration}`;
    }
    return [span, ...[...item.parts].reverse().map((part) => words(part).join(" "))].join(" · ");
  }

  #point(event) {
    const now = Date.now();
    const box = this.root.getBoundingClientRect();
    const pixel = HOUR_MS / box.width;
    const time = now - HOUR_MS + (event.clientX - box.left) * pixel;
    this.#show(this.#nearest(time, pixel, now), event.clientX);
  }

  /** Return the item at `time`; of several within the pixel the one with the highest state, which is the one drawn. */
  #nearest(time, pixel, now) {
    const touched = this.#record.items(now).filter(({ start, end }) => start <= time + pixel && end >= time - pixel / 2);
    const code = (item) => Math.max(...item.parts.map(({ status }) => this.#page.states.named(status).code));
    return touched.reduce((best, item) => (best && code(best) >= code(item) ? best : item), undefined);
  }

  #press(event) {
    const now = Date.now();
    const items = this.#record.items(now);
    const place = this.#cursor ? items.filter((item) => item.start <= this.#cursor.start).length - 1 : items.length - 1;
    const target = { ArrowLeft: place - 1, ArrowRight: place + 1, Home: 0, End: items.length - 1 }[event.key];
    if (event.key === "Escape") this.#leave();
    if (target === undefined || items.length === 0) return;
    event.preventDefault();
    this.#cursor = items[Math.max(0, Math.min(items.length - 1, target))];
    const box = this.root.getBoundingClientRect();
    const middle = (this.#cursor.start + this.#cursor.end) / 2;
    this.#show(this.#cursor, box.left + (1 - (now - middle) / HOUR_MS) * box.width);
    this.describe();
  }

  #show(item, clientX) {
    const { tooltip } = this.#page;
    setText(tooltip, this.#sentence(item));
    tooltip.hidden = false;
    const box = this.root.getBoundingClientRect();
    const left = Math.min(Math.max(8, clientX - tooltip.offsetWidth / 2), innerWidth - tooltip.offsetWidth - 8);
    const above = box.top - tooltip.offsetHeight - 6;
    tooltip.style.left = `${left}px`;
    tooltip.style.top = `${above > 4 ? above : box.bottom + 6}px`;
  }

  #leave() {
    this.#cursor = null;
    this.#page.tooltip.hidden = true;
  }
}
