/** The traffic-light wall: one card per node of the bridge's list. */

import { Card } from "./cards.js";
import { Connection } from "./connection.js";
import { setText } from "./dom.js";
import { loadFailures } from "./failures.js";
import { fitToScreen } from "./fit.js";
import { Freshness } from "./freshness.js";
import { Groups } from "./groups.js";
import { History } from "./history.js";
import { Language, offerLanguages } from "./language.js";
import { MonitorPages } from "./monitors.js";
import { clusterUse, isAlive, keyOf, matches, sorted, withoutGhosts } from "./nodes.js";
import { loadStates } from "./states.js";
import { Strips } from "./strip.js";
import { TEXTS } from "./text.js";
import { offerThemes } from "./theme.js";
import { Toolbar } from "./toolbar.js";

/** More nodes than this are shown as tiles, unless the viewer chose; on a phone cards need much scrolling. */
const CARDS_AT_MOST = 48;
const CARDS_ON_PHONE = 6;
const PHONE = matchMedia("(max-width: 45.99rem)");
/** After a longer gap the strips are loaded again. */
const GAP_MS = 10_000;

const part = (id) => document.getElementById(id);

class Wall {
  #language;
  #cards = new Map();
  #toolbar;
  #groups;
  #freshness;
  #connection = new Connection(
    (data) => this.#show(data),
    () => this.#tick(),
  );
  #history = new History((name, entries) => this.#loadHistory(name, entries));
  #pages = new MonitorPages((pages) => this.#cards.forEach((card) => card.linkTo(pages.get(card.node.name) ?? null)));
  #summary = {};
  /** When the last snapshot was shown; 0 before the first. */
  #shownAt = 0;
  /** The properties that determine the page's size, as of the last fit to the screen. */
  #fitted = "";
  #page;

  constructor(states, failures, language) {
    this.#language = language;
    this.#page = { states, failures, language, strips: new Strips(states, language) };
    this.#toolbar = new Toolbar(states, language, () => this.#arrange());
    this.#groups = new Groups(language, () => this.#arrange());
    this.#freshness = new Freshness(this.#connection, language);
    language.onChange(() => this.#redraw());
    addEventListener("resize", () => this.#fit());
    PHONE.addEventListener("change", () => this.#arrange());
  }

  start() {
    this.#connection.start();
  }

  #show({ nodes, summary }) {
    const now = Date.now();
    const hadGap = now - this.#shownAt > GAP_MS;
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
      if (!hadGap && (isNew || isBack)) this.#history.loadSoon(node.name);
    }
    this.#removeAllBut(present);
    this.#groups.update(nodes);
    part("wall").setAttribute("aria-busy", "false");
    if (hadGap) this.#history.loadAll();
    if (hasNew) this.#pages.load();
    this.#arrange();
    this.#freshness.show();
  }

  #removeAllBut(present) {
    for (const [key, card] of this.#cards) {
      if (present.has(key)) continue;
      card.remove();
      this.#cards.delete(key);
    }
  }

  #loadHistory(name, entries) {
    const now = Date.now();
    for (const card of this.#cards.values()) if (card.node.name === name) card.loadHistory(entries, now);
  }

  /** Sort the cards that the viewer chose; cards in place are not moved. */
  #arrange() {
    const all = [...this.#cards.values()];
    const { query } = this.#toolbar;
    const isChosen = ({ state, node }) => this.#toolbar.admits(state) && this.#groups.admits(node) && matches(node, query);
    const chosen = all.filter(isChosen);
    const ordered = sorted(chosen, this.#toolbar.order);
    const list = part("cards");
    const rows = this.#groups.elements(ordered);
    const shown = new Set(rows);
    for (const row of [...list.children]) if (!shown.has(row)) row.remove();
    rows.forEach((row, place) => {
      if (list.children[place] !== row) list.insertBefore(row, list.children[place] ?? null);
    });
    list.classList.toggle("tiles", this.#isTiled(all.length));
    this.#showNumbers(ordered.length, all);
    this.#fit();
  }

  #isTiled(total) {
    const { view } = this.#toolbar;
    return view === "tiles" || (view === "auto" && total > (PHONE.matches ? CARDS_ON_PHONE : CARDS_AT_MOST));
  }

  #showNumbers(shown, all) {
    const language = this.#language;
    const count = new Map();
    for (const { state } of all) count.set(state.name, (count.get(state.name) ?? 0) + 1);
    const lost = all.filter((card) => !isAlive(card.node)).length;
    this.#toolbar.showCounts(count, all.length, lost);
    part("empty").hidden = shown > 0;
    setText(part("empty"), language.text(this.#shownAt === 0 ? "waiting" : all.length === 0 ? "no_nodes" : "none_shown"));
    document.title = language.text("title");
    if (this.#shownAt === 0) return;
    setText(part("shown"), language.text("shown", { count: shown, total: all.length }));
    setText(part("cluster"), clusterUse(this.#summary, language));
  }

  /** Fit all nodes to the screen after a change of the page's size; a selection of nodes keeps the size. */
  #fit() {
    const layout = [
      this.#cards.size,
      part("cards").childElementCount,
      part("cards").className,
      this.#language.code,
      part("banner").hidden,
      innerWidth,
      innerHeight,
    ].join();
    const isWhole = this.#toolbar.admitsAll && this.#groups.value === null;
    if (!isWhole || layout === this.#fitted) return;
    this.#fitted = layout;
    fitToScreen();
  }

  #tick() {
    this.#freshness.show();
    this.#fit();
    if (this.#connection.state === "lost") return;
    const now = Date.now();
    for (const card of this.#cards.values()) card.tick(now);
  }

  #redraw() {
    for (const card of this.#cards.values()) card.write();
    this.#arrange();
    this.#freshness.show();
  }
}

const language = new Language(TEXTS);
offerLanguages(part("language"), language);
offerThemes(part("theme"), language);
new Wall(await loadStates(), await loadFailures(), language).start();
