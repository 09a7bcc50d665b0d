/** How nodes are shown: as cards, as tiles or as a grid of squares; by count and screen unless the viewer chose. */

import { CardList } from "./card_list.js";
import { fitToScreen, unfit } from "./fit.js";
import { SMALLEST, squareSize } from "./square_size.js";
import { Squares } from "./squares.js";

/** More nodes than this are shown as tiles, more tiles than this as squares; on a phone cards need much scrolling. */
const AT_MOST = { cards: 48, tiles: 240 };
const AT_MOST_ON_PHONE = { cards: 6, tiles: 60 };
/** A finger needs more room than a pointer. */
const FOR_FINGERS = 40;
const GAP = 3;

const PHONE = matchMedia("(max-width: 45.99rem)");
const COARSE = matchMedia("(pointer: coarse)");

export class Views {
  #list;
  #cards;
  #squares;
  #name = "";
  /** What the page's size depends on, as of the last fit to the screen. */
  #fitted = "";

  /** `list` is the element that the nodes stand in; `page` and `onSeen` are as for `CardList`. */
  constructor(list, page, onSeen, onScreenChange) {
    this.#list = list;
    this.#cards = new CardList(page, onSeen);
    this.#squares = new Squares(list, page, onSeen);
    PHONE.addEventListener("change", onScreenChange);
  }

  get name() {
    return this.#name;
  }

  /** The view in use: a `CardList` or `Squares`. */
  get current() {
    return this.#name === "grid" ? this.#squares : this.#cards;
  }

  /** Show `count` nodes in the view that the viewer `chose`; "auto" for the one that suits them. */
  use(chosen, count) {
    const limit = PHONE.matches ? AT_MOST_ON_PHONE : AT_MOST;
    const suited = count > limit.tiles ? "grid" : count > limit.cards ? "tiles" : "cards";
    const name = chosen === "auto" ? suited : chosen;
    this.#list.classList.toggle("many", name !== "grid" && count > AT_MOST.cards);
    if (name === this.#name) return;
    if (name === "grid" || this.#name === "grid") this.current.clear();
    this.#name = this.#list.dataset.view = name;
    this.#list.classList.toggle("tiles", name === "tiles");
    this.#list.classList.toggle("squares", name === "grid");
    this.#fitted = "";
  }

  /** Fit `blocks` to the window after a change of the page's size; `isWhole` tells whether all nodes are among them. */
  fit(blocks, isWhole, environment) {
    const counts = blocks.map(({ entries }) => entries.length);
    const layout = [this.#name, ...counts, this.current.isComplete, environment, innerWidth, innerHeight].join();
    if (layout === this.#fitted) return;
    if (this.#name === "grid") this.#fitSquares(blocks, counts);
    else if (!isWhole) return;
    else fitToScreen();
    this.#fitted = layout;
  }

  #fitSquares(blocks, counts) {
    unfit();
    const { width, top } = this.#list.getBoundingClientRect();
    const below = parseFloat(getComputedStyle(this.#list.parentElement).paddingBottom);
    const { size, columns } = squareSize({
      width,
      height: innerHeight - (top + scrollY) - below,
      counts,
      heading: blocks[0]?.heading?.offsetHeight ?? 0,
      gap: GAP,
      smallest: COARSE.matches ? FOR_FINGERS : SMALLEST,
    });
    this.#list.style.setProperty("--square", `${size}px`);
    this.#list.style.setProperty("--columns", columns);
    this.#list.classList.toggle("nameless", size < 28);
  }
}
