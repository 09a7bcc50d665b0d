/** The list of nodes that the bridge's messages tell (subprotocol `castray.delta.v1`); without network and page. */

import { keyOf } from "./nodes.js";

export const DELTA_PROTOCOL = "castray.delta.v1";

/** A message is missing before this one: the whole list is needed again. */
export class GapError extends Error {}

/** Return whether `message` is one that `NodeList` takes; the bridge also sends others, such as `pong`. */
export function isListMessage(message) {
  return ["cluster_status", "cluster_delta"].includes(message?.type) && Array.isArray(message.data?.nodes);
}

/** All nodes, kept up to date by whole lists and deltas. */
export class NodeList {
  /** The nodes' objects; an object is never changed, a changed node has a new one. */
  nodes = [];
  summary = {};
  #byKey = null;
  #seq = null;

  /**
   * Take over a message: return null after a whole list, else the set of the keys of new and changed nodes.
   *
   * Throws `GapError` and changes nothing when a message is missing before this one.
   */
  apply({ type, seq, data }) {
    if (type === "cluster_delta") return this.#applyDelta(seq, data);
    this.nodes = data.nodes;
    this.summary = data.summary ?? {};
    this.#byKey = null;
    this.#seq = seq ?? null;
    return null;
  }

  #applyDelta(seq, { nodes, gone = [], summary }) {
    if (this.#seq === null || seq !== this.#seq + 1) throw new GapError(`${seq} follows ${this.#seq}`);
    this.#byKey ??= new Map(this.nodes.map((node) => [keyOf(node), node]));
    const changed = nodes.map((node) => [keyOf(node), this.#changed(node)]);
    for (const key of gone) this.#byKey.delete(key);
    for (const [key, node] of changed) this.#byKey.set(key, node);
    if (changed.length || gone.length) this.nodes = [...this.#byKey.values()];
    this.summary = summary ?? this.summary;
    this.#seq = seq;
    return new Set(changed.map(([key]) => key));
  }

  /** Return the node that `delta` makes of the one with its key. */
  #changed({ whole, ...members }) {
    if (whole) return members;
    const before = this.#byKey.get(keyOf(members));
    if (!before) throw new GapError(`${keyOf(members)} is not in the list`);
    return { ...before, ...members };
  }
}
