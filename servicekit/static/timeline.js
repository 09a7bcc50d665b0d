/** What one node did during the last hour, in the browser's time. No drawing in here. */

export const HOUR_MS = 3_600_000;
/** Clocks that differ less than this are left as they are: replies may be a few seconds old. */
export const TOLERATED_SKEW_MS = 10_000;
/** A present state without confirmation for longer is not drawn on. */
export const CONFIRMED_FOR_MS = 10_000;
/** A single moment is believed no further back: a board without a battery wakes up in 1970. */
export const BELIEVED_FOR_MS = 7 * 24 * HOUR_MS;

/** Stays in states, oldest first; the last one goes on. All times are milliseconds since 1970. */
export class Timeline {
  #stays = [];
  #confirmed = 0;

  /** When the present state was entered; null before anything is known. */
  get since() {
    return this.#stays.at(-1)?.start ?? null;
  }

  /** Whether the present state was entered before `since`, at an unknown time. */
  get isOlder() {
    return this.#stays.at(-1)?.isOlder ?? false;
  }

  /** Take the reply of a monitor's history: `[{timestamp, status, duration_seconds}]`, the last one going on. */
  load(entries, now) {
    const stays = entries
      .map((entry) => stay(entry.status, Date.parse(entry.timestamp), 1000 * entry.duration_seconds))
      .filter((each) => Number.isFinite(each.start) && Number.isFinite(each.end));
    if (stays.length === 0) return;
    const skew = now - stays.at(-1).end;
    if (Math.abs(skew) > TOLERATED_SKEW_MS) stays.forEach((each) => shift(each, skew));
    stays.at(-1).end = null;
    this.#stays = stays;
    this.#confirmed = now;
  }

  /** Note that the node is in `status` now; `entered` is when that began by its own clock, NaN if it does not say. */
  note(status, now, entered = NaN) {
    this.#confirmed = now;
    const last = this.#stays.at(-1);
    if (last?.status === status) return;
    const isBelieved = now - entered < BELIEVED_FOR_MS;
    const start = !last && isBelieved ? Math.min(now, entered) : now;
    if (last) last.end = now;
    this.#stays.push({ status, start, end: null, isOlder: !last && !isBelieved });
    while (this.#stays[0].end !== null && this.#stays[0].end < now - HOUR_MS) this.#stays.shift();
  }

  /** Return the stays of the hour before `now`, cut to it: `[{status, start, end}]`. */
  lastHour(now) {
    const from = now - HOUR_MS;
    const until = now - this.#confirmed > CONFIRMED_FOR_MS ? this.#confirmed : now;
    return this.#stays
      .map(({ status, start, end }) => ({ status, start: Math.max(start, from), end: Math.min(end ?? until, now) }))
      .filter((each) => each.end > each.start);
  }

  /** Return the stays of the hour before `now` as a strip draws them: `[{start, end, parts: [{status, time}]}]`. */
  items(now) {
    return this.lastHour(now).map(({ status, start, end }) => ({ start, end, parts: [{ status, time: end - start }] }));
  }

  /** Return milliseconds per status within the hour before `now`, as a Map. */
  totals(now) {
    const sums = new Map();
    for (const { status, start, end } of this.lastHour(now)) sums.set(status, (sums.get(status) ?? 0) + end - start);
    return sums;
  }
}

function stay(status, start, lasted) {
  return { status, start, end: start + lasted };
}

function shift(each, milliseconds) {
  each.start += milliseconds;
  each.end += milliseconds;
}
