/** Requests to the bridge, with the viewer's token if it demands one. */

const KEY = "cmzsb.token";
const TIMEOUT_MS = 15_000;
/** A page cannot set headers of a WebSocket: the token is sent as a second subprotocol. */
const TOKEN_PROTOCOL = "cmzsb.bearer";

let token = stored();

/** The bridge demands a token, or another one than it received. */
export class TokenNeeded extends Error {}

/** Open the WebSocket at `path`, offering the subprotocols `protocols`. */
export function connect(path, protocols = []) {
  const address = new URL(path, document.baseURI);
  address.protocol = address.protocol.replace("http", "ws");
  return new WebSocket(address, token ? [...protocols, TOKEN_PROTOCOL, base64url(token)] : protocols);
}

/** Fetch `path` and return its JSON, also that of an error. Throws `TokenNeeded`, or the error of fetch. */
export async function getJson(path, timeoutMs = TIMEOUT_MS) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  // Not AbortSignal.timeout, which Chromium has from 103 on.
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), timeoutMs);
  try {
    const reply = await fetch(path, { headers, cache: "no-cache", signal: controller.signal });
    if (reply.status === 401) throw new TokenNeeded();
    return await reply.json();
  } finally {
    clearTimeout(timer);
  }
}

/** Use `given` as the token until the window is closed. */
export function useToken(given) {
  token = given;
  try {
    sessionStorage.setItem(KEY, token);
  } catch {
    // Storage is blocked, as in a foreign frame: the token is kept as long as the page.
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
