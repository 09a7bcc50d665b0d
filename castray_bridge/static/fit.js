/** On a wall display a few nodes grow until they fill the screen. */

/** Narrower windows are somebody's desk, where text has the size that its owner chose. */
const WALL_WIDTH = 1600;
const LARGEST = 2;
const STEP = 0.05;

/** Make the whole page as large as it can be without scrolling, never smaller than it is by itself. */
export function fitToScreen() {
  const { style } = document.documentElement;
  style.removeProperty("--zoom");
  if (innerWidth < WALL_WIDTH || !fits()) return;
  let zoom = 1;
  do {
    zoom += STEP;
    style.setProperty("--zoom", zoom);
  } while (zoom < LARGEST && fits());
  if (!fits()) style.setProperty("--zoom", zoom - STEP);
}

function fits() {
  return document.documentElement.scrollHeight <= innerHeight;
}
