/** Orders of the nodes, and which of them need attention: pure functions of entries. */

import { number } from "./nodes.js";

/** Sending for longer than this needs attention: the threshold of the alert on a node that is stuck in sending. */
export const LONG_MS = 300_000;

/** Return how much attention a node needs: 0 for none. Silenced nodes need less, because somebody knows of them. */
export function attention(entry, states, now) {
  const need = needOf(entry, states, now);
  return need > 0 && entry.node.silencedUntil ? 0.5 : need;
}

function needOf({ state, node, since }, states, now) {
  if (state.code === 0) return 4;
  if (state === states.all.at(-1) && since !== null && now - since > LONG_MS) return 3;
  if (node.workStatusStale === true) return 2;
  return node.nameConflict ? 1 : 0;
}

/** Functions of an entry, the states and the time, largest first; equal entries are sorted by name. */
const RANKS = {
  name: () => 0,
  attention,
  state: (entry) => entry.state.code,
  since: (entry) => -(entry.since ?? Infinity),
  cpu: (entry) => number(entry.node.cpu),
  memory: (entry) => number(entry.node.memory),
  sent: (entry) => number(entry.node.inference?.sentToServer),
};

export const ORDERS = Object.keys(RANKS);

/** Return `entries` in `order`, one of `ORDERS`. */
export function sorted(entries, order, states, now) {
  const ranked = entries.map((entry) => ({ entry, rank: RANKS[order](entry, states, now) }));
  ranked.sort((a, b) => b.rank - a.rank || a.entry.place - b.entry.place);
  return ranked.map(({ entry }) => entry);
}
