/** The node's own page: its light, its last hour, its totals. */

import { loadAlertmanager, newSilence } from "./alertmanager.js";
import { element, setText } from "./dom.js";
import { follow, history } from "./feed.js";
import { Language, offerLanguages } from "./language.js";
import { Light } from "./light.js";
import { loadStates, shapeOf } from "./states.js";
import { Strips } from "./strip.js";
import { TEXTS } from "./text.js";
import { offerThemes } from "./theme.js";
import { HOUR_MS, Timeline } from "./timeline.js";

const TICK_MS = 1000;
/** The history is exact; the live strip misses changes between two replies. */
const RELOAD_MS = 5000;

const part = (id) => document.getElementById(id);

class NodePage {
  #states;
  #alertmanager;
  #language;
  #light;
  #strips;
  #strip;
  #timeline = new Timeline();
  #status = null;
  #lostAt = null;
  #loading = null;
  /** By how many milliseconds the monitor's clock is ahead of the browser's. */
  #ahead = 0;

  constructor(states, alertmanager, language) {
    this.#states = states;
    this.#alertmanager = alertmanager;
    this.#language = language;
    this.#light = new Light(states);
    this.#strips = new Strips(states, language);
    part("light").append(this.#light.root);
    language.onChange(() => this.#render());
    setInterval(() => this.#tick(), TICK_MS);
  }

  show(status, ahead) {
    const wasAway = this.#status === null || this.#lostAt !== null;
    const changed = wasAway || status.version !== this.#status.version;
    this.#status = status;
    this.#ahead = ahead;
    this.#lostAt = null;
    this.#timeline.note(status.status, Date.now(), Date.parse(status.timestamp) - ahead);
    if (changed) this.#reloadSoon(wasAway ? 0 : RELOAD_MS);
    this.#render();
  }

  lose() {
    this.#lostAt ??= Date.now();
    if (this.#status) this.#timeline.note(this.#states.unknown.name, Date.now());
    this.#render();
  }

  #reloadSoon(delay) {
    this.#loading ??= setTimeout(async () => {
      this.#loading = null;
      try {
        this.#timeline.load(await history(this.#ahead), Date.now());
        this.#tick();
      } catch {
        // The strip continues with what the page itself has seen.
      }
    }, delay);
  }

  #render() {
    const language = this.#language;
    const lost = this.#lostAt !== null;
    part("banner").hidden = !lost;
    if (lost) setText(part("banner"), language.text("lost", { clock: language.clock(this.#lostAt) }));
    if (!this.#status) return;
    const { node_id: name, status, stale, latest_state: latest, stats, board = {} } = this.#status;
    const state = lost ? this.#states.unknown : this.#states.named(status);
    document.title = `${name} · ${language.state(state)}`;
    setText(part("name"), name);
    this.#offerSilence(name);
    this.#light.show(state);
    part("node").style.setProperty("--colour", state.colour);
    part("state").replaceChildren(shapeOf(state), language.state(state));
    part("stale").hidden = !stale || lost;
    setText(part("task"), latest.current_task || language.text("no_task"));
    setText(part("message"), latest.message || "");
    setText(part("processed"), language.number(stats.total_processed));
    setText(part("low"), language.number(stats.low_confidence_count));
    setText(part("sent"), language.number(stats.sent_to_server));
    this.#showBoard(lost ? {} : board);
    setText(part("from"), language.text("an_hour_ago"));
    if (!this.#strip) part("hour").append((this.#strip = this.#strips.add(this.#timeline, name)).root);
    part("node").setAttribute("aria-busy", "false");
    this.#tick();
  }

  #offerSilence(name) {
    if (this.#alertmanager === null) return;
    part("silence").href = newSilence(this.#alertmanager, name);
    part("silence").hidden = false;
  }

  /** Show the figures of the board; an unknown one is a dash, and the panel is hidden without both. */
  #showBoard({ gpu, temperature_celsius: celsius }) {
    part("board").hidden = gpu === undefined && celsius === undefined;
    setText(part("gpu"), gpu === undefined ? "–" : this.#language.percent(gpu / 100));
    setText(part("temperature"), celsius === undefined ? "–" : `${this.#language.number(Math.round(celsius))} °C`);
  }

  #tick() {
    if (!this.#status || !this.#strip) return;
    const now = Date.now();
    if (this.#lostAt === null) this.#timeline.note(this.#status.status, now);
    const since = this.#timeline.since;
    const values = { clock: this.#language.clock(since), duration: this.#language.duration(now - since) };
    setText(part("since"), this.#language.text("since", values));
    this.#showShares(now);
    this.#strips.redraw(this.#strip);
  }

  #showShares(now) {
    const totals = this.#timeline.totals(now);
    const recorded = [...totals.values()].reduce((sum, time) => sum + time, 0) || HOUR_MS;
    const rows = this.#states.all
      .filter((state) => state.code > 0 || totals.has(state.name))
      .map((state) => {
        const time = totals.get(state.name) ?? 0;
        const words = `${this.#language.state(state)} ${this.#language.percent(time / recorded)}`;
        const row = element("li", {}, shapeOf(state), words, element("span", {}, this.#language.duration(time)));
        row.style.setProperty("--colour", state.colour);
        return row;
      });
    part("shares").replaceChildren(...rows);
  }
}

const language = new Language(TEXTS);
offerLanguages(part("language"), language);
offerThemes(part("theme"), language);
const page = new NodePage(await loadStates(), await loadAlertmanager(), language);
await follow(
  (status, ahead) => page.show(status, ahead),
  () => page.lose(),
);
