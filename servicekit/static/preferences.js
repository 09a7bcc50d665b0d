/** What a viewer chose: from the address (`?lang=zh`, for wall displays), else from an earlier visit. */

const PREFIX = "cmzsb.";

/** Return the chosen value of `name`, or null if there is none among `allowed`. */
export function preference(name, allowed) {
  const candidates = [new URLSearchParams(location.search).get(name), stored(name)];
  return candidates.find((value) => allowed.includes(value)) ?? null;
}

/** Keep `value` for the next visit, where the browser lets us. */
export function remember(name, value) {
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    // Storage is blocked, as in a foreign frame: the choice lasts as long as the page.
  }
}

function stored(name) {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}
