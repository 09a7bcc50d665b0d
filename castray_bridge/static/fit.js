/** Scales all nodes to fill the screen, because a wall display is not scrolled. */

/** Narrower windows are desk monitors, which keep the reader's own text size. */
const WALL_WIDTH = 1600;
/** Smallest readable text on tiles; a wall with more nodes is scrolled. */
const READABLE_PX = 12.8;
const LARGEST = 2;
const PRECISION = 0.02;
/** Each try lays out the whole page, which is slow with hundreds of nodes. */
const TRIES = 6;

/** Let the page have its own size. */
export function unfit() {
  document.documentElement.style.removeProperty("--zoom");
}

/** Set the largest zoom at which the page needs no scrolling. */
export function fitToScreen() {
  const { style } = document.documentElement;
  unfit();
  if (innerWidth < WALL_WIDTH) return;
  let fitting = Math.min(1, READABLE_PX / parseFloat(getComputedStyle(document.documentElement).fontSize));
  let tooLarge = LARGEST;
  let zoom = 1;
  for (let tries = 0; tries < TRIES && tooLarge - fitting > PRECISION; tries++) {
    style.setProperty("--zoom", zoom);
    const height = document.querySelector("main").getBoundingClientRect().bottom + scrollY;
    if (height <= innerHeight) fitting = zoom;
    else tooLarge = zoom;
    // Cards grow in both directions: twice the height allows 1.4 times the size.
    zoom *= Math.sqrt(innerHeight / height);
    const isInside = fitting + PRECISION / 2 < zoom && zoom < tooLarge - PRECISION / 2;
    if (!isInside) zoom = (fitting + tooLarge) / 2;
  }
  style.setProperty("--zoom", fitting);
}
