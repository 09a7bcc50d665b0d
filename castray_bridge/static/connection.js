/** The bridge's data: over the WebSocket, and by asking every few seconds while that is down. */

const TICK_MS = 1000;
/** The bridge sends at least every 3 s. */
const SILENCE_MS = 10_000;
const POLL_MS = 3000;
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 10_000;

/** Calls `onData({nodes, summary, source})` with each snapshot and `onTick()` every second. Reconnects by itself. */
export class Connection {
  #onData;
  #onTick;
  #socket = null;
  #heardAt = 0;
  #delay = FIRST_DELAY_MS;
  #retryAt = 0;
  #askedAt = 0;
  #isLive = false;

  constructor(onData, onTick) {
    this.#onData = onData;
    this.#onTick = onTick;
    /** When the last snapshot came, in milliseconds since 1970; null before the first. */
    this.dataAt = null;
  }

  start() {
    this.#open();
    setInterval(() => this.#tick(), TICK_MS);
    addEventListener("online", () => this.#hurry());
    document.addEventListener("visibilitychange", () => this.#hurry());
  }

  /** `live` over the WebSocket, `polling` without it, `lost` when the last snapshot is old. */
  get state() {
    if (this.dataAt === null || Date.now() - this.dataAt > SILENCE_MS) return "lost";
    return this.#isLive ? "live" : "polling";
  }

  #open() {
    const address = new URL("ws", document.baseURI);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = new WebSocket(address);
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
    this.#deliver({ ...message.data, source: sourceOf(message) });
  }

  #drop() {
    this.#socket = null;
    this.#isLive = false;
    // Spread out, so that a restarted bridge does not meet all its viewers at once.
    this.#retryAt = Date.now() + this.#delay * (0.5 + Math.random());
    this.#delay = Math.min(LONGEST_DELAY_MS, 2 * this.#delay);
  }

  #hurry() {
    if (!document.hidden) this.#retryAt = 0;
    this.#tick();
  }

  #tick() {
    const now = Date.now();
    if (this.#socket && now - this.#heardAt > SILENCE_MS) {
      this.#socket.close();
      this.#drop();
    }
    if (!this.#socket && now >= this.#retryAt) this.#open();
    if (!this.#isLive && now - this.#askedAt >= POLL_MS) this.#ask(now);
    this.#onTick();
  }

  async #ask(now) {
    this.#askedAt = now;
    try {
      const reply = await fetch("api/ray-dashboard", { cache: "no-store", signal: AbortSignal.timeout(POLL_MS) });
      const body = await reply.json();
      if (this.#isLive || !Array.isArray(body.data?.nodes)) return;
      this.#deliver({ ...body.data, source: sourceOf(body) });
    } catch {
      // No answer, or none of the bridge's: what is shown grows old, and says so.
    }
  }

  #deliver(data) {
    this.dataAt = Date.now();
    this.#onData(data);
  }
}

/** Return why the node list is old, or null: the bridge's `result` and `msg`. */
function sourceOf(body) {
  return body.result === false ? String(body.msg ?? "") : null;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
