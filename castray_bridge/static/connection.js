/** The bridge's data: over the WebSocket, and by asking every few seconds while that is down. */

import { TokenNeeded, ask, connect } from "./api.js";

const TICK_MS = 1000;
/** The bridge sends at least every 3 s. */
const SILENCE_MS = 10_000;
const POLL_MS = 3000;
const HEALTH_MS = 10_000;
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 10_000;

/** Calls `onData({nodes, summary})` with each snapshot and `onTick()` every second. Reconnects by itself. */
export class Connection {
  /** When the last snapshot came, in milliseconds since 1970; null before the first. */
  dataAt = null;
  /** Why the bridge's list of nodes is old, in its own words; null while it is not. */
  failure = null;
  /** Whether the bridge demands a token that the viewer has not given. */
  needsToken = false;
  #onData;
  #onTick;
  #socket = null;
  #isLive = false;
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
    addEventListener("online", () => this.hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry());
  }

  /** `live` over the WebSocket, `polling` without it, `lost` when the last snapshot is old. */
  get state() {
    if (this.dataAt === null || Date.now() - this.dataAt > SILENCE_MS) return "lost";
    return this.#isLive ? "live" : "polling";
  }

  /** Try again now what waits for its next attempt. */
  hurry() {
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
    if (now - this.#healthAt >= HEALTH_MS) this.#askHealth(now);
    this.#onTick();
  }

  #open() {
    const socket = connect("ws");
    this.#socket = socket;
    this.#heardAt = Date.now();
    socket.addEventListener("message", (event) => socket === this.#socket && this.#receive(event.data));
    socket.addEventListener("close", () => socket === this.#socket && this.#drop());
  }

  #receive(text) {
    this.#heardAt = Date.now();
    const message = parsed(text);
    if (message?.type !== "cluster_status" || !Array.isArray(message.data?.nodes)) return;
    this.#isLive = true;
    this.#delay = FIRST_DELAY_MS;
    this.#deliver(message.data);
  }

  #drop() {
    this.#socket = null;
    this.#isLive = false;
    // Spread out, so that a restarted bridge does not meet all its viewers at once.
    this.#retryAt = Date.now() + this.#delay * (0.5 + Math.random());
    this.#delay = Math.min(LONGEST_DELAY_MS, 2 * this.#delay);
  }

  async #poll(now) {
    this.#polledAt = now;
    try {
      const { data } = await ask("api/ray-dashboard", POLL_MS);
      this.needsToken = false;
      if (!this.#isLive && Array.isArray(data?.nodes)) this.#deliver(data);
    } catch (error) {
      // Any other failure shows by itself: the data grow old.
      this.needsToken = error instanceof TokenNeeded;
    }
  }

  async #askHealth(now) {
    this.#healthAt = now;
    try {
      const { status, reason } = await ask("api/health");
      this.failure = status === "healthy" ? null : String(reason ?? status);
    } catch {
      // The age of the data tells.
    }
  }

  #deliver(data) {
    this.dataAt = Date.now();
    this.#onData(data);
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
