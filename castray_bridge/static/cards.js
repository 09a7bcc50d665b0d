/** One node's card: its light and its figures. */

import { element, setAttribute, setText } from "./dom.js";
import { Light } from "./light.js";
import { Meter } from "./meter.js";
import { number, reasonOf, stateOf, withoutGpuLoad } from "./nodes.js";
import { shapeOf } from "./states.js";
import { Timeline } from "./timeline.js";

const METERS = ["cpu", "memory", "gpu"];
const TOTALS = { processed: "totalProcessed", low_confidence: "lowConfidence", sent: "sentToServer" };

export class Card {
  #page;
  #light;
  #strip;
  #timeline = new Timeline();
  #parts = {
    name: element("a"),
    head: element("span", { class: "badge" }),
    shape: element("span", { class: "sign" }),
    state: element("span", { class: "state-name" }),
    lasted: element("span", { class: "lasted" }),
    stale: element("span", { class: "badge warning" }),
    conflict: element("span", { class: "badge warning" }),
    place: element("p", { class: "place" }),
    task: element("p", { class: "task" }),
    more: element("button", { class: "more", type: "button", "aria-expanded": "false" }),
  };
  #meters = METERS.map(() => new Meter());
  #totals = Object.keys(TOTALS).map(() => ({ label: element("dt"), value: element("dd") }));

  /** `page` holds `states`, `failures`, `language` and `strips`. */
  constructor(page, node) {
    this.#page = page;
    this.#light = new Light(page.states);
    this.#strip = page.strips.add(this.#timeline, node.name);
    this.root = this.#build();
    this.node = node;
    this.state = null;
  }

  /** When the present state began, in milliseconds since 1970. */
  get since() {
    return this.#timeline.since;
  }

  /** Show `node` as of `now`; return whether its monitor answers again. */
  update(node, now) {
    const before = this.state;
    this.node = node;
    this.state = stateOf(node, this.#page.states);
    this.#timeline.note(this.state.name, now, this.state.code === 0 ? NaN : Date.parse(node.workStatusTimestamp));
    if (this.state !== before) this.#showState();
    this.write();
    return before?.code === 0 && this.state.code !== 0;
  }

  /** Write all text. */
  write() {
    this.#showTexts();
    this.#showFigures();
    this.tick(Date.now());
  }

  /** Show the monitor's own record of the last hour. */
  loadHistory(entries, now) {
    this.#timeline.load(entries, now);
    this.#timeline.note(this.state.name, now);
    this.#page.strips.redraw(this.#strip);
    this.tick(now);
  }

  /** Show for how long the present state has lasted. */
  tick(now) {
    if (this.since === null) return;
    const { language } = this.#page;
    const duration = language.duration(now - this.since, "narrow");
    setText(this.#parts.lasted, this.#timeline.isOlder ? language.text("longer", { duration }) : duration);
  }

  /** Link the name to the node's own page; null for no link. */
  linkTo(address) {
    setAttribute(this.#parts.name, "href", address);
  }

  /** Remove the card of a node that is no longer listed. */
  remove() {
    this.#page.strips.remove(this.#strip);
    this.root.remove();
  }

  #build() {
    const { name, head, shape, state, lasted, stale, conflict, place, task, more } = this.#parts;
    const totals = this.#totals.map(({ label, value }) => element("div", {}, label, value));
    const card = element(
      "li",
      { class: "card" },
      this.#light.root,
      element("div", { class: "who" }, element("h3", { class: "name" }, name), head, lasted, more),
      element("p", { class: "state" }, shape, state, stale, conflict),
      place,
      task,
      element("dl", { class: "meters" }, ...this.#meters.map((meter) => meter.root)),
      this.#strip.root,
      element("dl", { class: "totals" }, ...totals),
    );
    // Only tiles are collapsed; on a card the class has no effect.
    card.addEventListener("click", (event) => {
      if (event.target.closest("a, .strip")) return;
      setAttribute(more, "aria-expanded", card.classList.toggle("open"));
    });
    return card;
  }

  #showState() {
    this.#light.show(this.state);
    this.root.dataset.state = this.state.name;
    this.root.style.setProperty("--colour", this.state.colour);
    this.#parts.shape.replaceChildren(shapeOf(this.state));
    this.#page.strips.redraw(this.#strip);
  }

  #showTexts() {
    const { node, state } = this;
    const { language } = this.#page;
    const { name, head, stale, conflict, place, task, more, state: stateName } = this.#parts;
    const connection = ["wired", "wireless"].includes(node.connectionType) ? ` · ${language.text(node.connectionType)}` : "";
    setText(name, String(node.name));
    setAttribute(name, "title", String(node.fullName ?? node.name));
    setText(head, node.isHeadNode === true ? language.text("head") : "");
    setText(stateName, language.state(state));
    setAttribute(stateName, "title", language.state(state));
    setText(stale, node.workStatusStale === true ? language.text("stale") : "");
    const key = node.nameConflict ? `name_${node.nameConflict}` : null;
    setText(conflict, key ? language.text(key, { name: node.monitorName }) : "");
    setAttribute(conflict, "title", key ? language.text("name_hint") : null);
    setText(place, `${node.nodeIp ?? ""}${connection}`);
    const reason = reasonOf(node, this.#page.failures, language);
    const text = reason ?? (String(node.currentTask ?? "") || language.text("no_task"));
    setText(task, text);
    setAttribute(task, "title", text);
    task.classList.toggle("none", reason === null && !node.currentTask);
    setAttribute(more, "aria-label", language.text("details", { name: node.name }));
  }

  #showFigures() {
    const { node } = this;
    const { language } = this.#page;
    METERS.forEach((key, index) => {
      const instead = key === "gpu" ? withoutGpuLoad(node) : node.usageKnown === false ? "not_known" : null;
      this.#meters[index].show(language.text(key), number(node[key]), instead && language.text(instead));
    });
    Object.entries(TOTALS).forEach(([key, field], index) => {
      setText(this.#totals[index].label, language.text(key));
      setText(this.#totals[index].value, language.count(number(node.inference?.[field])));
    });
  }
}
