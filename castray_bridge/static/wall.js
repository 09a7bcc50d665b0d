/** The traffic-light wall: one card per node, kept as the bridge says. */

import { useToken } from "./api.js";
import { Card } from "./cards.js";
import { Connection } from "./connection.js";
import { setText } from "./dom.js";
import { fitToScreen } from "./fit.js";
import { History } from "./history.js";
import { Language, offerLanguages } from "./language.js";
import { monitorPages } from "./monitors.js";
import { keyOf, matches, number, sorted, withoutGhosts } from "./nodes.js";
import { loadStates } from "./states.js";
import { Strips } from "./strip.js";
import { TEXTS } from "./text.js";
import { offerThemes } from "./theme.js";
import { Toolbar } from "./toolbar.js";

/** More nodes than this come as tiles, unless the viewer chose. */
const CARDS_AT_MOST = 48;
/** After a longer gap the strips are loaded anew. */
const AWAY_MS = 10_000;

const part = (id) => document.getElementById(id);

class Wall {
  #language;
  #cards = new Map();
  #toolbar;
  #connection = new Connection(
    (data) => this.#show(data),
    () => this.#tick(),
  );
  #history = new History((name, entries) => this.#remember(name, entries));
  #summary = {};
  /** When the last snapshot was shown; 0 before the first. */
  #shownAt = 0;
  #page;

  constructor(states, language) {
    this.#language = language;
    this.#page = { states, language, strips: new Strips(states, language) };
    this.#toolbar = new Toolbar(states, language, () => this.#arrange());
    language.onChange(() => this.#redraw());
    addEventListener("resize", fitToScreen);
    part("token").addEventListener("submit", (event) => {
      event.preventDefault();
      useToken(new FormData(event.target).get("token").trim());
      this.#connection.hurry();
    });
  }

  start() {
    this.#connection.start();
  }

  #show({ nodes, summary }) {
    const now = Date.now();
    const wasAway = now - this.#shownAt > AWAY_MS;
    this.#shownAt = now;
    this.#summary = summary ?? {};
    const present = new Set();
    let hasNew = false;
    for (const node of withoutGhosts(nodes)) {
      const key = keyOf(node);
      present.add(key);
      const isNew = !this.#cards.has(key);
      hasNew ||= isNew;
      if (isNew) this.#cards.set(key, new Card(this.#page, node));
      const isBack = this.#cards.get(key).update(node, now);
      if (!wasAway && (isNew || isBack)) this.#history.loadSoon(node.name);
    }
    for (const [key, card] of this.#cards) {
      if (!present.has(key)) {
        card.remove();
        this.#cards.delete(key);
      }
    }
    part("wall").setAttribute("aria-busy", "false");
    if (wasAway) this.#history.loadAll();
    this.#arrange();
    this.#showLink();
    if (hasNew) this.#linkCards();
    if (hasNew && this.#toolbar.admitsAll) fitToScreen();
  }

  async #linkCards() {
    const pages = await monitorPages();
    for (const card of this.#cards.values()) card.linkTo(pages.get(card.node.name) ?? null);
  }

  #remember(name, entries) {
    const now = Date.now();
    for (const card of this.#cards.values()) if (card.node.name === name) card.remember(entries, now);
  }

  /** Put the cards that the viewer wants to see into order, moving as few as possible. */
  #arrange() {
    const all = [...this.#cards.values()];
    const { query } = this.#toolbar;
    const chosen = all.filter((card) => this.#toolbar.admits(card.state) && matches(card.node, query));
    const ordered = sorted(chosen, this.#toolbar.order);
    const shown = new Set(ordered);
    for (const card of all) if (!shown.has(card)) card.root.remove();
    const list = part("cards");
    ordered.forEach((card, place) => {
      if (list.children[place] !== card.root) list.insertBefore(card.root, list.children[place] ?? null);
    });
    list.classList.toggle("tiles", this.#isTiled(all.length));
    const count = new Map();
    for (const { state } of all) count.set(state.name, (count.get(state.name) ?? 0) + 1);
    this.#toolbar.showCounts(count, all.length);
    this.#showNumbers(ordered.length, all.length);
  }

  #isTiled(total) {
    const { view } = this.#toolbar;
    return view === "tiles" || (view === "auto" && total > CARDS_AT_MOST);
  }

  #showNumbers(shown, total) {
    const language = this.#language;
    part("empty").hidden = shown > 0;
    setText(part("empty"), language.text(this.#shownAt === 0 ? "waiting" : total === 0 ? "no_nodes" : "none_shown"));
    document.title = language.text("title");
    if (this.#shownAt === 0) return;
    setText(part("shown"), language.text("shown", { count: shown, total }));
    setText(part("cluster"), this.#clusterUse());
  }

  /** Return how much of the cluster is in use, in words; empty when the bridge does not know. */
  #clusterUse() {
    const { resources, usageKnown } = this.#summary;
    if (!resources || usageKnown === false) return "";
    const use = (used, total) => `${this.#language.number(number(used), 1)} / ${this.#language.number(number(total), 1)}`;
    const { cpu = {}, gpu = {}, memory = {} } = resources;
    return [
      number(cpu.total) && `${this.#language.text("cpu")} ${use(cpu.used, cpu.total)}`,
      number(gpu.total) && `${this.#language.text("gpu")} ${use(gpu.used, gpu.total)}`,
      number(memory.totalGB) && `${this.#language.text("memory")} ${use(memory.usedGB, memory.totalGB)} GB`,
    ]
      .filter(Boolean)
      .join(" · ");
  }

  /** Say how fresh the data are. */
  #showLink() {
    const language = this.#language;
    const { state, dataAt, failure, needsToken } = this.#connection;
    const isOld = state === "lost" && dataAt !== null;
    part("link").dataset.link = state;
    setText(part("link"), language.text(`link_${state}`));
    document.body.classList.toggle("old", isOld);
    const warning = isOld
      ? language.text("old", { clock: language.clock(dataAt) })
      : failure === null
        ? ""
        : language.text("source", { reason: failure });
    setText(part("warning"), warning);
    setText(part("age"), isOld ? language.text("ago", { age: language.duration(Date.now() - dataAt) }) : "");
    part("banner").hidden = warning === "";
    part("token").hidden = !needsToken;
  }

  #tick() {
    this.#showLink();
    if (this.#connection.state === "lost") return;
    const now = Date.now();
    for (const card of this.#cards.values()) card.tick(now);
  }

  #redraw() {
    for (const card of this.#cards.values()) card.write();
    this.#arrange();
    this.#showLink();
  }
}

const language = new Language(TEXTS);
offerLanguages(part("language"), language);
offerThemes(part("theme"), language);
new Wall(await loadStates(), language).start();
