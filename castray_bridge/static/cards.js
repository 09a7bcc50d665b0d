/** One node's card: its light and its figures. */

import { newSilence } from "./alertmanager.js";
import { element, setAttribute, setText } from "./dom.js";
import { Light } from "./light.js";
import { Meter } from "./meter.js";
import { number, reasonOf, silencedUntil, withoutGpuLoad } from "./nodes.js";
import { shapeOf } from "./states.js";

const METERS = ["cpu", "memory", "gpu"];
const TOTALS = { processed: "totalProcessed", low_confidence: "lowConfidence", sent: "sentToServer" };

export class Card {
  #page;
  #light;
  #strip;
  #entry;
  #shown = null;
  #parts = {
    name: element("a"),
    head: element("span", { class: "badge" }),
    shape: element("span", { class: "sign" }),
    state: element("span", { class: "state-name" }),
    lasted: element("span", { class: "lasted" }),
    stale: element("span", { class: "badge warning" }),
    conflict: element("span", { class: "badge warning" }),
    silenced: element("span", { class: "badge silenced" }),
    silence: element("a", { class: "silence", target: "_blank", rel: "noopener", hidden: true }),
    place: element("span", { class: "address" }),
    task: element("p", { class: "task" }),
    more: element("button", { class: "more", type: "button", "aria-expanded": "false" }),
  };
  #meters = METERS.map(() => new Meter());
  #totals = Object.keys(TOTALS).map(() => ({ label: element("dt"), value: element("dd") }));

  /**
   * Fill `root`, a list item, with the card of `entry`, a node of the fleet.
   *
   * `page` holds `states`, `failures`, `language`, `strips` and `alertmanager` (an address or null).
   */
  constructor(page, entry, root) {
    this.#page = page;
    this.#entry = entry;
    this.#light = new Light(page.states);
    this.#strip = page.strips.add(entry.record, entry.node.name);
    this.root = root;
    root.classList.add("card", "built");
    root.replaceChildren(...this.#build());
    setAttribute(this.#parts.more, "aria-expanded", root.classList.contains("open"));
    this.write();
  }

  /** Write all that the node's entry says. */
  write() {
    this.#showState();
    this.#showTexts();
    this.#showLinks();
    this.#showFigures();
    this.tick(Date.now());
  }

  /** Draw the last hour again. */
  redraw() {
    this.#page.strips.redraw(this.#strip);
    this.tick(Date.now());
  }

  /** Show for how long the present state has lasted. */
  tick(now) {
    const { since, record } = this.#entry;
    if (since === null) return;
    const { language } = this.#page;
    const duration = language.duration(now - since, "narrow");
    setText(this.#parts.lasted, record.isOlder ? language.text("longer", { duration }) : duration);
  }

  /** Open or close a tile; on a card it has no effect. */
  toggle() {
    setAttribute(this.#parts.more, "aria-expanded", this.root.classList.toggle("open"));
  }

  /** Stop drawing; the list item stays, with other content. */
  end() {
    this.root.classList.remove("built");
    this.#page.strips.remove(this.#strip);
  }

  #build() {
    const { name, head, shape, state, lasted, stale, conflict, silenced, silence, place, task, more } = this.#parts;
    const totals = this.#totals.map(({ label, value }) => element("div", {}, label, value));
    return [
      this.#light.root,
      element("div", { class: "who" }, element("h3", { class: "name" }, name), head, lasted, more),
      element("p", { class: "state" }, shape, state, stale, conflict, silenced),
      element("p", { class: "place" }, place, silence),
      task,
      element("dl", { class: "meters" }, ...this.#meters.map((meter) => meter.root)),
      this.#strip.root,
      element("dl", { class: "totals" }, ...totals),
    ];
  }

  #showState() {
    const { state } = this.#entry;
    if (state === this.#shown) return;
    this.#shown = state;
    this.#light.show(state);
    this.root.dataset.state = state.name;
    this.root.style.setProperty("--colour", state.colour);
    this.#parts.shape.replaceChildren(shapeOf(state));
    this.#page.strips.redraw(this.#strip);
  }

  #showTexts() {
    const { node, state } = this.#entry;
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

  /** Link to the node's own page and to a new silence, and tell until when the node is silenced. */
  #showLinks() {
    const { node, address } = this.#entry;
    const { alertmanager, language } = this.#page;
    const { name, silenced, silence } = this.#parts;
    setAttribute(name, "href", address);
    silence.hidden = alertmanager === null;
    if (alertmanager !== null) {
      setText(silence, language.text("silence"));
      setAttribute(silence, "href", newSilence(alertmanager, String(node.name)));
      setAttribute(silence, "aria-label", language.text("silence_node", { name: node.name }));
    }
    const until = silencedUntil(node);
    const clock = until === null ? "" : language.moment(until);
    setText(silenced, until === null ? "" : language.text("silenced", { clock }));
    setAttribute(silenced, "title", until === null ? null : language.text("silenced_hint", { clock }));
  }

  #showFigures() {
    const { node } = this.#entry;
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
