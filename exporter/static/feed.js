/** The monitor's status over a long poll, for as long as the page is open. */

const WAIT_SECONDS = 20;
const GIVE_UP_MS = 30_000;
const SHORTEST_ROUND_MS = 2000;
const FIRST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 10_000;

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Call `onStatus` with each status and `onLost` when the monitor stops to answer. Never returns. */
export async function follow(onStatus, onLost) {
  let version = null;
  let delay = FIRST_DELAY_MS;
  for (;;) {
    const asked = performance.now();
    try {
      const status = await ask(version);
      onStatus(status);
      delay = FIRST_DELAY_MS;
      // Without a free place to wait the monitor answers at once: do not ask it in a tight loop.
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

/** Fetch the stays of the last hour, oldest first. */
export async function history() {
  const since = Math.floor(Date.now() / 1000) - 3600;
  return fetchJson(`api/history?since=${since}`);
}

function ask(version) {
  return fetchJson(version === null ? "api/status" : `api/status?wait=${WAIT_SECONDS}&since=${version}`);
}

async function fetchJson(address) {
  const reply = await fetch(address, { cache: "no-store", signal: AbortSignal.timeout(GIVE_UP_MS) });
  if (!reply.ok) throw new Error(`${address}: ${reply.status}`);
  return reply.json();
}
