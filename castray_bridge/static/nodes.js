/** Access to CastRay's node objects: pure functions; any field may be missing. */

/** Return the key of a node's card; a restarted node has another key. */
export function keyOf(node) {
  return String(node.nodeId || `${node.name}@${node.nodeIp}`);
}

/** Return whether the node is alive in Ray, which keeps lost nodes in its list. */
export function isAlive(node) {
  return node.state !== "DEAD";
}

/** Leave out the DEAD entries of nodes that are alive under another id. */
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

/** Return the state of `node`'s light: "no answer" unless its monitor answers. */
export function stateOf(node, states) {
  return isAlive(node) && node.workStatusReachable !== false ? states.named(node.workStatus) : states.unknown;
}

/** Return the text of the reason for which there is no answer; null for a node that answers. */
export function reasonOf(node, failures, language) {
  if (isAlive(node) && node.workStatusReachable !== false) return null;
  const reason = isAlive(node) ? String(node.workStatusError ?? "unreachable") : "dead";
  const failure = failures.get(reason.startsWith("http_") ? "http_error" : reason);
  return failure ? failure[language.code] : language.text("reason_other", { reason });
}

/** Return the key of the text that stands for the GPU's load where there is no figure; null where there is one. */
export function withoutGpuLoad(node) {
  const isKnown = node.gpuKnown ?? node.usageKnown !== false;
  if (isKnown && (number(node.resources?.totalGpu) || number(node.gpu))) return null;
  return isKnown && node.usageKnown !== false ? "none" : "not_known";
}

/** Return the text about the cluster's use; empty if unknown. */
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

/** Return until when the node's alerts are silenced, in milliseconds since 1970; null if they are not. */
export function silencedUntil(node) {
  const until = Date.parse(node.silencedUntil);
  return Number.isFinite(until) ? until : null;
}

/** Return `value` if it is a number, else 0. */
export function number(value) {
  return Number.isFinite(value) ? value : 0;
}

/** Return the inventory's labels of the node, as an object of strings. */
export function labelsOf(node) {
  return node.inventoryLabels ?? {};
}

/** Return whether `query` occurs in the node's name, address, task or labels, ignoring case. */
export function matches(node, query) {
  const wanted = query.trim().toLocaleLowerCase();
  if (wanted === "") return true;
  const places = [node.name, node.nodeIp, node.currentTask, ...Object.values(labelsOf(node))];
  return places.some((text) => String(text ?? "").toLocaleLowerCase().includes(wanted));
}
