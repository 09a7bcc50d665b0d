/** The bridge's data: over the WebSocket, and by polling while that is down. */

import { TokenNeeded, connect, getJson } from "./api.js";
import { DELTA_PROTOCOL, GapError, NodeList, isListMessage } from "./delta.js";

const TICK_MS = 1000;
/** The bridge sends at least every 3 s. */
const SILENCE_MS = 10_000;
const POLL_MS = 3000;
const HEALTH_MS = 10_000;
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 10_000;

/**
 * Calls `onData({nodes, summary}, changed)` with each snapshot and `onTick()` every second. Reconnects by itself.
 *
 * `nodes` are all nodes. `changed` is the set of the keys (`keyOf`) of new and changed nodes, whose objects are new
 * ones; it is null where any node may have changed.
 */
export class Connection {
  /** When the last snapshot arrived, in milliseconds since 1970; null before the first. */
  dataAt = null;
  /** Why the bridge's list of nodes is old, in the bridge's words; null while it is up to date. */
  failure = null;
  /** Whether the bridge demands a token that the viewer has not given. */
  needsToken = false;
  #onData;
  #onTick;
  #socket = null;
  #list = new NodeList();
  #isLive = false;
  #isResyncing = false;
  /** Whether to ask for deltas: a browser ends a connection at a bridge that does not know the subprotocol. */
  #offersDeltas = true;
  /** Whether the bridge has answered over HTTP since the last WebSocket was open. */
  #answersHttp = false;
  #heardAt = 0;
  #delay = FIRST_DELAY_MS;
  #retryAt = 0;
  #polledAt = 0;
  #healthAt = 0;

  constructor(onData, onTick) {
    this.#onData = onData;
    this.#onTick = onTick;
  }

  start() {
    this.#open();
    setInterval(() => this.#tick(), TICK_MS);
    addEventListener("online", () => this.retryNow());
    document.addEventListener("visibilitychange", () => document.hidden || this.retryNow());
  }

  /** `live` over the WebSocket, `polling` without it, `lost` when the last snapshot is old. */
  get state() {
    if (this.dataAt === null || Date.now() - this.dataAt > SILENCE_MS) return "lost";
    return this.#isLive ? "live" : "polling";
  }

  /** Retry now instead of after the delay. */
  retryNow() {
    this.#retryAt = this.#polledAt = this.#healthAt = 0;
    this.#tick();
  }

  #tick() {
    const now = Date.now();
    if (this.#socket && now - this.#heardAt > SILENCE_MS) {
      this.#socket.close();
      this.#drop();
    }
    if (!this.#socket && now >= this.#retryAt) this.#open();
    if (!this.#isLive && now - this.#polledAt >= POLL_MS) this.#poll(now);
    if (now - this.#healthAt >= HEALTH_MS) this.#pollHealth(now);
    this.#onTick();
  }

  #open() {
    const socket = connect("ws", this.#offersDeltas ? [DELTA_PROTOCOL] : []);
    this.#socket = socket;
    this.#list = new NodeList();
    this.#isResyncing = false;
    this.#heardAt = Date.now();
    let wasOpen = false;
    socket.addEventListener("open", () => {
      wasOpen = true;
      this.#answersHttp = false;
    });
    socket.addEventListener("message", (event) => socket === this.#socket && this.#receive(event.data));
    socket.addEventListener("close", () => {
      if (socket !== this.#socket) return;
      this.#offersDeltas = wasOpen || !this.#offersDeltas || !this.#answersHttp;
      this.#drop();
    });
  }

  #receive(text) {
    const message = parsed(text);
    if (!isListMessage(message) || (this.#isResyncing && message.type !== "cluster_status")) return;
    let changed;
    try {
      changed = this.#list.apply(message);
    } catch (error) {
      if (!(error instanceof GapError)) throw error;
      this.#isResyncing = true;
      this.#socket.send("resync");
      return;
    }
    this.#isResyncing = false;
    this.#isLive = true;
    this.#heardAt = Date.now();
    this.#delay = FIRST_DELAY_MS;
    this.#deliver(this.#list, changed);
  }

  #drop() {
    this.#socket = null;
    this.#isLive = false;
    // Random, so that viewers of a restarted bridge do not reconnect at the same time.
    this.#retryAt = Date.now() + this.#delay * (0.5 + Math.random());
    this.#delay = Math.min(LONGEST_DELAY_MS, 2 * this.#delay);
  }

  async #poll(now) {
    this.#polledAt = now;
    try {
      const { data } = await getJson("api/ray-dashboard", POLL_MS);
      this.needsToken = false;
      this.#answersHttp = true;
      if (!this.#isLive && Array.isArray(data?.nodes)) this.#deliver(data, null);
    } catch (error) {
      // Any other failure shows as old data.
      this.needsToken = error instanceof TokenNeeded;
      this.#answersHttp = false;
    }
  }

  async #pollHealth(now) {
    this.#healthAt = now;
    try {
      const { status, reason } = await getJson("api/health");
      this.failure = status === "healthy" ? null : String(reason ?? status);
    } catch {
      // The failure shows as old data.
    }
  }

  #deliver({ nodes, summary }, changed) {
    this.dataAt = Date.now();
    this.#onData({ nodes, summary }, changed);
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
