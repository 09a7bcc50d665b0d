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

function fill(target, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) target.setAttribute(name, value === true ? "" : value);
  }
  target.append(...children);
  return target;
}
