/** How large squares can be so that all fit the window; pure numbers. */

/** Smaller squares cannot be told apart from some distance; then the page is scrolled. */
export const SMALLEST = 18;
const LARGEST = 88;

/**
 * Return `{size, columns}` in px for the largest squares of which all fit `width` × `height`.
 *
 * `counts` are the squares of each block, `heading` the height of a block's heading (0 for none), `gap` lies between.
 */
export function squareSize({ width, height, counts, heading, gap, smallest = SMALLEST }) {
  const columnsOf = (size) => Math.max(1, Math.floor((width + gap) / (size + gap)));
  const rowsOf = (size) => counts.reduce((sum, count) => sum + Math.ceil(count / columnsOf(size)), 0);
  const headings = heading > 0 ? counts.length * (heading + gap) : 0;
  let size = LARGEST;
  while (size > smallest && rowsOf(size) * (size + gap) - gap + headings > height) size--;
  return { size, columns: columnsOf(size) };
}
