/** The monitor's status over a long poll, for as long as the page is open. */

import { HOUR_MS, TOLERATED_SKEW_MS } from "./timeline.js";

const WAIT_SECONDS = 20;
const GIVE_UP_MS = 30_000;
const SHORTEST_ROUND_MS = 2000;
const FIRST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 10_000;

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * Call `onStatus(status, ahead)` with each status and `onLost` when the monitor does not answer. Never returns.
 * `ahead` is by how many milliseconds the monitor's clock is ahead of the browser's.
 */
export async function follow(onStatus, onLost) {
  let version = null;
  let delay = FIRST_DELAY_MS;
  for (;;) {
    const asked = performance.now();
    try {
      const { status, ahead } = await ask(version);
      onStatus(status, ahead);
      delay = FIRST_DELAY_MS;
      // When all places to wait are taken, the monitor answers at once: do not poll it in a tight loop.
      if (status.version === version) await pause(SHORTEST_ROUND_MS - (performance.now() - asked));
      version = status.version;
    } catch {
      onLost();
      version = null;
      await pause(delay);
      delay = Math.min(LONGEST_DELAY_MS, 2 * delay);
    }
  }
}

/** Fetch the transitions of the last hour, oldest first. The monitor dates them by its own clock, which is `ahead`. */
export async function history(ahead) {
  const since = Math.max(0, Math.floor((Date.now() + ahead - HOUR_MS) / 1000));
  const reply = await get(`api/history?since=${since}`);
  return reply.json();
}

async function ask(version) {
  const reply = await get(version === null ? "api/status" : `api/status?wait=${WAIT_SECONDS}&since=${version}`);
  return { status: await reply.json(), ahead: aheadBy(reply.headers.get("Date")) };
}

async function get(address) {
  // Not AbortSignal.timeout(), which kiosk browsers such as Chromium 100 lack.
  const controller = new AbortController();
  setTimeout(() => controller.abort(), GIVE_UP_MS);
  const reply = await fetch(address, { cache: "no-store", signal: controller.signal });
  if (!reply.ok) throw new Error(`${address}: ${reply.status}`);
  return reply;
}

/** `date` has whole seconds and a delay in transit: a difference that these explain counts as none. */
function aheadBy(date) {
  const ahead = Date.parse(date) - Date.now();
  return Math.abs(ahead) > TOLERATED_SKEW_MS ? ahead : 0;
}
