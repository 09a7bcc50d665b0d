/** What the wall reads out of CastRay's node objects: pure functions, nothing is trusted to be there. */

/** Return the key under which a node keeps its card: entries of a restarted node differ in it. */
export function keyOf(node) {
  return String(node.nodeId || `${node.name}@${node.nodeIp}`);
}

/** Return whether Ray has the node; one that it has lost stays on its list. */
export function isAlive(node) {
  return node.state !== "DEAD";
}

/** Leave out the DEAD entries of nodes that live on under another id. */
export function withoutGhosts(nodes) {
  const living = nodes.filter(isAlive);
  const names = new Set(living.map((node) => node.name));
  const addresses = new Set(living.map((node) => node.nodeIp));
  const lost = new Map();
  for (const node of nodes) {
    if (!isAlive(node) && !names.has(node.name) && !addresses.has(node.nodeIp)) lost.set(node.name, node);
  }
  return [...living, ...lost.values()];
}

/** Return the state whose light `node` gets: that of "no answer" unless its monitor vouches for another. */
export function stateOf(node, states) {
  return isAlive(node) && node.workStatusReachable !== false ? states.named(node.workStatus) : states.unknown;
}

/** Return why there is no answer, in words; null for a node that answers. */
export function reasonOf(node, language) {
  if (isAlive(node) && node.workStatusReachable !== false) return null;
  const reason = isAlive(node) ? String(node.workStatusError ?? "unreachable") : "dead";
  const key = `reason_${reason.startsWith("http_") ? "http_error" : reason}`;
  return language.has(key) ? language.text(key) : language.text("reason_other", { reason });
}

/** Return how much of the cluster is in use, in words; empty when the bridge does not know. */
export function clusterUse({ resources, usageKnown }, language) {
  if (!resources || usageKnown === false) return "";
  const { cpu = {}, gpu = {}, memory = {} } = resources;
  const figure = (value) => language.number(number(value), 1);
  return [
    ["cpu", cpu.used, cpu.total, ""],
    ["gpu", gpu.used, gpu.total, ""],
    ["memory", memory.usedGB, memory.totalGB, " GB"],
  ]
    .filter(([, , total]) => number(total) > 0)
    .map(([key, used, total, unit]) => `${language.text(key)} ${figure(used)} / ${figure(total)}${unit}`)
    .join(" · ");
}

/** Return `value` if it is a number, else 0. */
export function number(value) {
  return Number.isFinite(value) ? value : 0;
}

/** Return whether `query` occurs in the node's name, address or task, whatever the case. */
export function matches(node, query) {
  const wanted = query.trim().toLocaleLowerCase();
  const places = [node.name, node.nodeIp, node.currentTask];
  return places.some((text) => String(text ?? "").toLocaleLowerCase().includes(wanted));
}

/** The orders on offer: functions of a card `{node, state, since}`, largest first; the name decides between equals. */
export const ORDERS = {
  name: () => 0,
  state: (card) => card.state.code,
  since: (card) => -(card.since ?? Infinity),
  cpu: (card) => number(card.node.cpu),
  memory: (card) => number(card.node.memory),
  sent: (card) => number(card.node.inference?.sentToServer),
};

const collator = new Intl.Collator("zh-CN", { numeric: true });

/** Return `cards` in `order`, a key of `ORDERS`. */
export function sorted(cards, order) {
  const rank = ORDERS[order];
  return [...cards].sort((a, b) => rank(b) - rank(a) || collator.compare(a.node.name, b.node.name));
}

