/** On a wall display, which nobody scrolls, all nodes grow or shrink until they fill the screen. */

/** Narrower windows are somebody's desk, where text has the size that its owner chose. */
const WALL_WIDTH = 1600;
/** With smaller type than this the words on tiles are no longer readable; a fuller wall is to be scrolled. */
const READABLE_PX = 13;
const LARGEST = 2;
const PRECISION = 0.02;

/** Make the whole page as large as it can be without scrolling. */
export function fitToScreen() {
  const { style } = document.documentElement;
  style.removeProperty("--zoom");
  if (innerWidth < WALL_WIDTH) return;
  const smallest = Math.min(1, READABLE_PX / parseFloat(getComputedStyle(document.documentElement).fontSize));
  const fitsAt = (zoom) => {
    style.setProperty("--zoom", zoom);
    return document.documentElement.scrollHeight <= innerHeight;
  };
  let [small, large] = fitsAt(1) ? [1, LARGEST] : [smallest, 1];
  while (large - small > PRECISION) {
    const middle = (small + large) / 2;
    if (fitsAt(middle)) small = middle;
    else large = middle;
  }
  style.setProperty("--zoom", small);
}
