/** Building and changing elements; text is only ever set as text. */

const SVG = "http://www.w3.org/2000/svg";

/** Return a new `tag` with `attributes` (those that are null or false are left out) and `children`. */
export function element(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function drawing(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** Set the text of `target`, only when it differs: the browser then need not lay out anything. */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/** Set or, with null, remove an attribute, only when it differs. */
export function setAttribute(target, name, value) {
  if (value === null) target.removeAttribute(name);
  else if (target.getAttribute(name) !== String(value)) target.setAttribute(name, value);
}

/** Let `rows` be the children of `list`, in this order; those in place are not moved, and the focus stays where it is. */
export function arrange(list, rows) {
  const focused = document.activeElement;
  const wanted = new Set(rows);
  for (const row of [...list.children]) if (!wanted.has(row)) row.remove();
  let next = list.firstElementChild;
  rows.forEach((row) => {
    // One that goes further down is taken out, instead of moving up all that follow it.
    if (next !== row && next?.nextElementSibling === row) {
      const moved = next;
      next = row;
      moved.remove();
    }
    if (next === row) next = row.nextElementSibling;
    else list.insertBefore(row, next);
  });
  if (focused !== document.activeElement && list.contains(focused)) focused.focus({ preventScroll: true });
}

function fill(target, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) target.setAttribute(name, value === true ? "" : value);
  }
  target.append(...children);
  return target;
}
