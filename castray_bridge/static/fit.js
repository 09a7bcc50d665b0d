/** On a wall display, which nobody scrolls, all nodes grow or shrink until they fill the screen. */

/** Narrower windows are somebody's desk, where text has the size that its owner chose. */
const WALL_WIDTH = 1600;
/** With smaller type than this the words on tiles are no longer readable; a fuller wall is to be scrolled. */
const READABLE_PX = 12.8;
const LARGEST = 2;
const PRECISION = 0.02;
/** Each try lays out the whole page, which takes a while with hundreds of nodes. */
const TRIES = 6;

/** Make the whole page as large as it can be without scrolling. */
export function fitToScreen() {
  const { style } = document.documentElement;
  style.removeProperty("--zoom");
  if (innerWidth < WALL_WIDTH) return;
  let fitting = Math.min(1, READABLE_PX / parseFloat(getComputedStyle(document.documentElement).fontSize));
  let tooLarge = LARGEST;
  let zoom = 1;
  for (let tries = 0; tries < TRIES && tooLarge - fitting > PRECISION; tries++) {
    style.setProperty("--zoom", zoom);
    const height = document.querySelector("main").getBoundingClientRect().bottom + scrollY;
    if (height <= innerHeight) fitting = zoom;
    else tooLarge = zoom;
    // Cards grow in both directions: twice the height has room for 1.4 times the size.
    zoom *= Math.sqrt(innerHeight / height);
    const isInside = fitting + PRECISION / 2 < zoom && zoom < tooLarge - PRECISION / 2;
    if (!isInside) zoom = (fitting + tooLarge) / 2;
  }
  style.setProperty("--zoom", fitting);
}
