/** The last hour of a node as a strip: colour and height tell the state, pointer and arrow keys the details. */

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

  /** Return a new strip that shows `timeline`; `name` is the node's. */
  add(timeline, name) {
    const strip = new Strip(this, timeline, name);
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
    this.#waiting.forEach((strip) => strip.draw(now));
    this.#waiting.clear();
  }
}

/** One strip; made by `Strips`. To assistive technology it is a slider whose text is the stay under it. */
class Strip {
  #page;
  #timeline;
  #name;
  #canvas = element("canvas");
  #cursor = null;
  /** When the state began that assistive technology was last told of. */
  #described = null;

  constructor(page, timeline, name) {
    this.#page = page;
    this.#timeline = timeline;
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

  /** Draw the hour before `now` in device pixels; a stay is at least one pixel wide, and the higher states win. */
  draw(now) {
    const ratio = devicePixelRatio;
    const width = Math.round(this.root.clientWidth * ratio);
    const height = Math.round(this.root.clientHeight * ratio);
    if (width === 0 || height === 0) return;
    if (this.#canvas.width !== width) this.#canvas.width = width;
    if (this.#canvas.height !== height) this.#canvas.height = height;
    const pen = this.#canvas.getContext("2d");
    pen.clearRect(0, 0, width, height);
    const stays = this.#timeline.lastHour(now);
    const x = (time) => Math.round((1 - (now - time) / HOUR_MS) * width);
    for (const state of this.#page.states.all) {
      const bar = Math.round(this.#page.states.level(state) * height);
      pen.fillStyle = state.colour;
      for (const { status, start, end } of stays) {
        if (this.#page.states.named(status) !== state) continue;
        pen.fillRect(x(start), height - bar, Math.max(1, x(end) - x(start)), bar);
      }
    }
    pen.fillStyle = getComputedStyle(this.root).color;
    for (const quarter of QUARTERS) pen.fillRect(Math.round(quarter * width), 0, Math.max(1, Math.round(ratio / 2)), height);
    // With the focus on it, each new text would be read out.
    if (this.#timeline.since !== this.#described && document.activeElement !== this.root) this.describe();
  }

  /** Tell assistive technology what is under the cursor: the present, unless the viewer moved it. */
  describe() {
    const now = Date.now();
    this.#described = this.#timeline.since;
    const stay = this.#cursor ?? this.#timeline.lastHour(now).at(-1);
    setAttribute(this.root, "aria-label", `${this.#page.language.text("last_hour")}: ${this.#name}`);
    setAttribute(this.root, "aria-valuenow", stay ? Math.round((stay.start - now) / 60_000) : 0);
    setAttribute(this.root, "aria-valuetext", this.#sentence(stay));
  }

  #sentence(stay) {
    const { language, states } = this.#page;
    if (!stay) return language.text("no_record");
    const span = `${language.clock(stay.start)} – ${language.clock(stay.end)}`;
    return `${language.state(states.named(stay.status))} · ${span} · ${language.duration(stay.end - stay.start)}`;
  }

  #point(event) {
    const now = Date.now();
    const box = this.root.getBoundingClientRect();
    const pixel = HOUR_MS / box.width;
    const time = now - HOUR_MS + (event.clientX - box.left) * pixel;
    this.#show(this.#nearest(time, pixel, now), event.clientX);
  }

  /** Return the stay at `time`; of several within the pixel the highest state, which is the one drawn. */
  #nearest(time, pixel, now) {
    const states = this.#page.states;
    const touched = this.#timeline.lastHour(now).filter(({ start, end }) => start <= time + pixel && end >= time - pixel / 2);
    const code = (stay) => states.named(stay.status).code;
    return touched.reduce((best, stay) => (best && code(best) >= code(stay) ? best : stay), undefined);
  }

  #press(event) {
    const now = Date.now();
    const stays = this.#timeline.lastHour(now);
    const place = this.#cursor ? stays.findLastIndex((stay) => stay.start <= this.#cursor.start) : stays.length - 1;
    const target = { ArrowLeft: place - 1, ArrowRight: place + 1, Home: 0, End: stays.length - 1 }[event.key];
    if (event.key === "Escape") this.#leave();
    if (target === undefined || stays.length === 0) return;
    event.preventDefault();
    this.#cursor = stays[Math.max(0, Math.min(stays.length - 1, target))];
    const box = this.root.getBoundingClientRect();
    const middle = (this.#cursor.start + this.#cursor.end) / 2;
    this.#show(this.#cursor, box.left + (1 - (now - middle) / HOUR_MS) * box.width);
    this.describe();
  }

  #show(stay, clientX) {
    const { tooltip } = this.#page;
    setText(tooltip, this.#sentence(stay));
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
