/** The nodes of the bridge's list as the wall keeps them, without page: one entry each, kept while the node is listed. */

import { HourRecord } from "./hour.js";
import { keyOf, stateOf, withoutGhosts } from "./nodes.js";

const collator = new Intl.Collator("zh-CN", { numeric: true });

/** One node: its object as the bridge sent it last, its state and its last hour. */
export class Entry {
  /** The address of the node's own page; null while it is not known. */
  address = null;
  /** When the bridge was last asked for the node's last hour. */
  historyAt = 0;
  /** The place among all nodes by name. */
  place = 0;

  constructor(key, states) {
    this.key = key;
    this.record = new HourRecord(states);
    this.node = null;
    this.state = null;
  }

  /** When the present state began, in milliseconds since 1970. */
  get since() {
    return this.record.since;
  }
}

export class Fleet {
  #states;
  #entries = new Map();

  constructor(states) {
    this.#states = states;
  }

  get size() {
    return this.#entries.size;
  }

  /** All entries, in the order of the nodes' names. */
  get all() {
    return [...this.#entries.values()];
  }

  /**
   * Take over the list `nodes` as of `now`; a node that has changed has a new object.
   *
   * Returns the entries that were `added`, `changed` and `gone`, and those that are `back`: they answer again.
   */
  update(nodes, now) {
    const difference = { added: [], changed: [], gone: [], back: [] };
    const listed = withoutGhosts(nodes);
    const present = new Set();
    for (const node of listed) {
      const key = keyOf(node);
      present.add(key);
      const known = this.#entries.get(key);
      if (!known) difference.added.push(this.#added(key, node, now));
      else if (known.node !== node) this.#change(known, node, now, difference);
    }
    for (const [key, entry] of this.#entries) {
      if (present.has(key)) continue;
      this.#entries.delete(key);
      difference.gone.push(entry);
    }
    if (difference.added.length > 0) this.#order();
    return difference;
  }

  /** Note that what the entries show holds until `now`. */
  confirm(now) {
    for (const { record } of this.#entries.values()) record.confirm(now);
  }

  named(name) {
    return this.all.filter(({ node }) => node.name === name);
  }

  #added(key, node, now) {
    const entry = new Entry(key, this.#states);
    this.#entries.set(key, entry);
    this.#take(entry, node, now);
    return entry;
  }

  #change(entry, node, now, difference) {
    const before = entry.state;
    const isRenamed = entry.node.name !== node.name;
    this.#take(entry, node, now);
    difference.changed.push(entry);
    if (before.code === 0 && entry.state.code !== 0) difference.back.push(entry);
    if (isRenamed) this.#order();
  }

  #take(entry, node, now) {
    entry.node = node;
    entry.state = stateOf(node, this.#states);
    entry.record.note(entry.state.name, now, entry.state.code === 0 ? NaN : Date.parse(node.workStatusTimestamp));
  }

  #order() {
    const ordered = [...this.#entries].sort(([, a], [, b]) => collator.compare(a.node.name, b.node.name));
    this.#entries = new Map(ordered);
    this.all.forEach((entry, place) => (entry.place = place));
  }
}
