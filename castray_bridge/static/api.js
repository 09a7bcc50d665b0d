/** Questions to the bridge, with the viewer's token where it demands one. */

const KEY = "cmzsb.token";
const GIVE_UP_MS = 15_000;
/** A page cannot set headers of a WebSocket: the token goes as a second protocol, after the one that is meant. */
const WITH_TOKEN = "cmzsb.bearer";

let token = stored();

/** The bridge wants a token, or another one than it got. */
export class TokenNeeded extends Error {}

/** Open the WebSocket at `path`. */
export function connect(path) {
  const address = new URL(path, document.baseURI);
  address.protocol = address.protocol.replace("http", "ws");
  return new WebSocket(address, token ? [WITH_TOKEN, base64url(token)] : []);
}

/** Fetch `path` and return its JSON, also that of an error. Throws `TokenNeeded`, or whatever fetch throws. */
export async function ask(path, giveUpMs = GIVE_UP_MS) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const reply = await fetch(path, { headers, cache: "no-store", signal: AbortSignal.timeout(giveUpMs) });
  if (reply.status === 401) throw new TokenNeeded();
  return reply.json();
}

/** Use `given` as the token until the window is closed. */
export function useToken(given) {
  token = given;
  try {
    sessionStorage.setItem(KEY, token);
  } catch {
    // Storage is blocked, as in a foreign frame: the token lasts as long as the page.
  }
}

function stored() {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function base64url(text) {
  const bytes = String.fromCharCode(...new TextEncoder().encode(text));
  return btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
