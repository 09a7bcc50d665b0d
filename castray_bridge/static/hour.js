/** What one node did in each minute of the last hour, in the browser's time. No drawing in here. */

import { BELIEVED_FOR_MS, CONFIRMED_FOR_MS, HOUR_MS, TOLERATED_SKEW_MS } from "./timeline.js";

const STEP_MS = 60_000;
const STEPS = HOUR_MS / STEP_MS + 1;

/**
 * Milliseconds per state and minute, in a fixed amount of memory however often the state changes.
 *
 * `load` and `loadTransitions` take the record that the bridge has; `note` goes on from there.
 */
export class HourRecord {
  #states;
  #sums;
  /** The number of the newest minute since 1970 that `#sums` holds. */
  #minute = 0;
  #status = null;
  /** Until when the present state is in `#sums`. */
  #until = 0;
  /** When the present state was entered, in milliseconds since 1970; null before anything is known. */
  since = null;
  /** Whether the present state was entered before `since`, at an unknown time. */
  isOlder = false;

  constructor(states) {
    this.#states = states.all.map((state) => state.name);
    this.#sums = new Float32Array(STEPS * this.#states.length);
  }

  /** Note that the node is in `status` at `now`; `entered` is when that began by its own clock, NaN if it does not say. */
  note(status, now, entered = NaN) {
    const isKnown = this.#status !== null;
    const isContinued = isKnown && now - this.#until <= CONFIRMED_FOR_MS;
    if (isContinued) this.#add(this.#status, this.#until, now);
    if (status !== this.#status) {
      const isBelieved = now - entered < BELIEVED_FOR_MS;
      this.since = isBelieved && !isContinued ? Math.min(now, Math.max(entered, this.#until)) : now;
      this.isOlder = !isKnown && !isBelieved;
    }
    this.#status = status;
    this.#until = Math.max(now, this.#until);
  }

  /** Note that the state has not changed until `now`. */
  confirm(now) {
    if (this.#status !== null) this.note(this.#status, now);
  }

  /** Take over the bridge's record: `seconds` per state of each minute from `begin` on, the last minute up to now. */
  load({ begin, seconds }, now) {
    const rows = Object.entries(seconds ?? {}).filter(([, row]) => Array.isArray(row));
    const count = Math.max(0, ...rows.map(([, row]) => row.length));
    let start = Date.parse(begin);
    if (count === 0 || !Number.isFinite(start)) return;
    const elapsed = rows.reduce((sum, [, row]) => sum + 1000 * (row[count - 1] || 0), 0);
    const skew = now - (start + (count - 1) * STEP_MS + elapsed);
    // A minute in which the node was not seen tells nothing of its clock.
    if (skew < -TOLERATED_SKEW_MS || skew > STEP_MS + TOLERATED_SKEW_MS) start += skew;
    this.#sums.fill(0);
    this.#minute = minuteOf(now);
    for (const [status, row] of rows) {
      row.forEach((value, step) => this.#put(status, minuteOf(start + (step + 0.5) * STEP_MS), 1000 * value));
    }
    // The reply was on its way for a while.
    if (this.#status !== null && skew > 0 && skew <= TOLERATED_SKEW_MS) this.#add(this.#status, now - skew, now);
    this.#until = now;
    this.#refine(now);
  }

  /** Take over a monitor's record of transitions: `[{timestamp, status, duration_seconds}]`, the last one going on. */
  loadTransitions(entries, now) {
    const stays = entries
      .map((entry) => ({ status: entry.status, start: Date.parse(entry.timestamp), lasted: 1000 * entry.duration_seconds }))
      .filter(({ start, lasted }) => Number.isFinite(start + lasted));
    if (stays.length === 0) return;
    const last = stays.at(-1);
    const skew = now - last.start - last.lasted;
    const shift = Math.abs(skew) > TOLERATED_SKEW_MS ? skew : 0;
    this.#sums.fill(0);
    this.#minute = minuteOf(now);
    for (const { status, start, lasted } of stays) this.#add(status, start + shift, start + lasted + shift);
    this.#until = now;
    if (last.status !== this.#status) return;
    this.since = last.start + shift;
    this.isOlder = false;
  }

  /**
   * Return the hour before `now`, oldest first: `[{start, end, parts: [{status, time}]}]`, all in milliseconds.
   *
   * The parts are in the order of the states; neighbouring minutes in one and the same state are one item.
   */
  items(now) {
    const from = now - HOUR_MS;
    const items = [];
    for (let minute = minuteOf(from); minute <= this.#minute; minute++) {
      const start = Math.max(from, minute * STEP_MS);
      const end = Math.min(now, (minute + 1) * STEP_MS);
      const parts = this.#parts(minute, end - start);
      const before = items.at(-1);
      const isSame = before?.end === start && isWhole(before) && parts.length === 1 && before.parts[0].status === parts[0].status;
      if (isSame && isWhole({ start, end, parts })) {
        before.end = end;
        before.parts[0].time = end - before.start;
      } else if (parts.length > 0 && end > start) items.push({ start, end, parts });
    }
    return items;
  }

  /** Return the parts of `minute`, which together last `limit` at most. */
  #parts(minute, limit) {
    const parts = this.#states
      .map((status, place) => ({ status, time: this.#sums[this.#row(minute) + place] }))
      .filter(({ time }) => time > 0);
    const sum = parts.reduce((total, { time }) => total + time, 0);
    // The bridge's minutes and the browser's differ by some seconds, and the oldest minute is cut.
    if (sum > limit || limit - sum < 1500) for (const part of parts) part.time *= limit / sum;
    return parts;
  }

  /** Find since when the present state lasts, where that was unknown. */
  #refine(now) {
    if (this.#status === null || !this.isOlder) return;
    const items = this.items(now);
    let { since } = this;
    for (const { start, end, parts } of items.reverse()) {
      const time = parts.find(({ status }) => status === this.#status)?.time ?? 0;
      const isWholly = parts.length === 1 && end - start - time < 1500;
      if (time > 0) since = Math.min(since, isWholly ? start : end - time);
      if (isWholly) continue;
      this.isOlder = false;
      break;
    }
    this.since = since;
  }

  #add(status, start, end) {
    let time = Math.max(start, (this.#minute - STEPS + 1) * STEP_MS);
    while (time < end) {
      const next = Math.min(end, (minuteOf(time) + 1) * STEP_MS);
      this.#put(status, minuteOf(time), next - time);
      time = next;
    }
  }

  #put(status, minute, time) {
    if (minute <= this.#minute - STEPS || !(time > 0)) return;
    while (this.#minute < minute) {
      if (minute - this.#minute > STEPS) this.#minute = minute - STEPS;
      this.#minute++;
      const row = this.#row(this.#minute);
      this.#sums.fill(0, row, row + this.#states.length);
    }
    this.#sums[this.#row(minute) + Math.max(0, this.#states.indexOf(status))] += time;
  }

  #row(minute) {
    return (minute % STEPS) * this.#states.length;
  }
}

function minuteOf(time) {
  return Math.floor(time / STEP_MS);
}

function isWhole({ start, end, parts }) {
  return parts.length === 1 && end - start - parts[0].time < 1;
}
