/** The traffic-light wall: all nodes of the bridge's list, with their lights. */

import { loadAlertmanager } from "./alertmanager.js";
import { Blocks } from "./blocks.js";
import { Connection } from "./connection.js";
import { arrange, setText } from "./dom.js";
import { loadFailures } from "./failures.js";
import { Fleet } from "./fleet.js";
import { Freshness } from "./freshness.js";
import { Groups } from "./groups.js";
import { History } from "./history.js";
import { Language, offerLanguages } from "./language.js";
import { MonitorPages } from "./monitors.js";
import { clusterUse, isAlive, matches } from "./nodes.js";
import { sorted } from "./orders.js";
import { loadStates } from "./states.js";
import { Strips } from "./strip.js";
import { TEXTS } from "./text.js";
import { offerThemes } from "./theme.js";
import { Toolbar } from "./toolbar.js";
import { Views } from "./views.js";

/** After a longer gap the strips are loaded again. */
const GAP_MS = 10_000;
/** Nodes change their places at most this often, so that they can be followed. */
const MOVE_MS = 1000;

const part = (id) => document.getElementById(id);

class Wall {
  #page;
  #fleet;
  #toolbar;
  #groups;
  #blocks;
  #views;
  #freshness;
  #connection = new Connection(
    (data) => this.#take(data),
    () => this.#tick(),
  );
  #history = new History((entry) => this.#views.current.redraw(entry));
  #pages = new MonitorPages((pages) => this.#link(pages));
  #links = new Map();
  #summary = {};
  /** When the last snapshot arrived; 0 before the first. */
  #takenAt = 0;
  /** The entries to be written in the next frame. */
  #dirty = new Set();
  #isFrameDue = false;
  #isArranged = false;
  #arrangedAt = 0;
  #shownBlocks = [];

  constructor(page) {
    const { states, language } = page;
    this.#page = page;
    this.#fleet = new Fleet(states);
    this.#toolbar = new Toolbar(states, language, () => this.#arrange());
    this.#groups = new Groups(language, () => this.#arrange());
    this.#blocks = new Blocks(language, states, this.#groups);
    this.#views = new Views(part("cards"), page, (entry) => this.#see(entry), () => this.#arrange());
    this.#freshness = new Freshness(this.#connection, language);
    language.onChange(() => this.#redraw());
    addEventListener("resize", () => this.#fit());
  }

  start() {
    this.#connection.start();
  }

  /** Take over a snapshot at once; the page follows in the next frame. */
  #take({ nodes, summary }) {
    const now = Date.now();
    const hadGap = now - this.#takenAt > GAP_MS;
    this.#takenAt = now;
    this.#summary = summary ?? {};
    const { added, changed, gone, back } = this.#fleet.update(nodes, now);
    for (const entry of gone) this.#forget(entry);
    for (const entry of added) entry.address = this.#links.get(entry.node.name) ?? null;
    for (const entry of changed) this.#dirty.add(entry);
    if (hadGap) this.#reloadHistory(now);
    else for (const entry of back) if (this.#views.current.inView.includes(entry)) this.#history.wantAgain(entry, now);
    if (added.length > 0) this.#pages.load();
    if (added.length + gone.length > 0) this.#isArranged = false;
    if (added.length + changed.length > 0) this.#groups.update(nodes);
    this.#drawSoon();
  }

  #see(entry) {
    this.#history.want(entry, Date.now());
    this.#drawSoon();
  }

  #forget(entry) {
    this.#views.current.remove(entry);
    this.#history.forget(entry);
    this.#dirty.delete(entry);
  }

  #reloadHistory(now) {
    for (const entry of this.#fleet.all) entry.historyAt = 0;
    for (const entry of this.#views.current.inView) this.#history.want(entry, now);
  }

  #link(pages) {
    this.#links = pages;
    for (const entry of this.#fleet.all) {
      entry.address = pages.get(entry.node.name) ?? null;
      this.#dirty.add(entry);
    }
    this.#drawSoon();
  }

  #drawSoon() {
    if (this.#isFrameDue) return;
    this.#isFrameDue = true;
    requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#isFrameDue = false;
    const view = this.#views.current;
    for (const entry of this.#dirty) view.write(entry);
    this.#dirty.clear();
    part("wall").setAttribute("aria-busy", "false");
    const mayMove = !this.#toolbar.admitsAll || Date.now() - this.#arrangedAt >= MOVE_MS;
    if (!this.#isArranged || mayMove) this.#arrange();
    else this.#showNumbers();
    this.#fit();
    this.#freshness.show();
  }

  /** Put the nodes that the viewer chose into their order; those in place are not moved. */
  #arrange() {
    const now = Date.now();
    this.#isArranged = true;
    this.#arrangedAt = now;
    this.#views.use(this.#toolbar.view, this.#fleet.size);
    this.#toolbar.suggestOrder(this.#views.name === "grid" ? "attention" : "name");
    const { order, query } = this.#toolbar;
    const isChosen = ({ state, node }) => this.#toolbar.admits(state) && this.#groups.admits(node) && matches(node, query);
    const ordered = sorted(this.#fleet.all.filter(isChosen), order, this.#page.states, now);
    this.#shownBlocks = this.#blocks.of(ordered, order, now);
    const view = this.#views.current;
    const rows = this.#shownBlocks.flatMap(({ heading, entries }) => [
      ...(heading ? [heading] : []),
      ...entries.map((entry) => view.element(entry)),
    ]);
    arrange(part("cards"), rows);
    this.#showNumbers();
    this.#fit();
  }

  #showNumbers() {
    const { language } = this.#page;
    const all = this.#fleet.all;
    const count = new Map();
    for (const { state } of all) count.set(state.name, (count.get(state.name) ?? 0) + 1);
    const lost = all.filter(({ node }) => !isAlive(node)).length;
    const shown = this.#shownBlocks.reduce((sum, { entries }) => sum + entries.length, 0);
    this.#toolbar.showCounts(count, all.length, lost);
    part("empty").hidden = shown > 0;
    setText(part("empty"), language.text(this.#takenAt === 0 ? "waiting" : all.length === 0 ? "no_nodes" : "none_shown"));
    document.title = language.text("title");
    if (this.#takenAt === 0) return;
    setText(part("shown"), language.text("shown", { count: shown, total: all.length }));
    setText(part("cluster"), clusterUse(this.#summary, language));
  }

  #fit() {
    const isWhole = this.#toolbar.admitsAll && this.#groups.value === null;
    const environment = [this.#page.language.code, part("banner").hidden, part("token").hidden].join();
    this.#views.fit(this.#shownBlocks, isWhole, environment);
  }

  #tick() {
    this.#freshness.show();
    this.#fit();
    if (this.#connection.state === "lost") return;
    this.#fleet.confirm(this.#connection.dataAt);
    this.#views.current.tick(Date.now());
  }

  #redraw() {
    for (const entry of this.#fleet.all) this.#views.current.write(entry);
    this.#arrange();
    this.#freshness.show();
  }
}

const language = new Language(TEXTS);
offerLanguages(part("language"), language);
offerThemes(part("theme"), language);
const [states, failures, alertmanager] = await Promise.all([loadStates(), loadFailures(), loadAlertmanager()]);
new Wall({ states, failures, language, alertmanager, strips: new Strips(states, language) }).start();
