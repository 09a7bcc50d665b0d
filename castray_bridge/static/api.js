/** Questions to the bridge, with the viewer's token where it demands one (a WebSocket cannot carry it). */

const KEY = "cmzsb.token";
const GIVE_UP_MS = 15_000;

/** The bridge wants a token, or another one than it got. */
export class TokenNeeded extends Error {}

/** Fetch `path` and return its JSON, also that of an error. Throws `TokenNeeded`, or whatever fetch throws. */
export async function ask(path, giveUpMs = GIVE_UP_MS) {
  const token = sessionStorage.getItem(KEY);
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const reply = await fetch(path, { headers, cache: "no-store", signal: AbortSignal.timeout(giveUpMs) });
  if (reply.status === 401) throw new TokenNeeded();
  return reply.json();
}

/** Use `token` until the window is closed. */
export function useToken(token) {
  sessionStorage.setItem(KEY, token);
}
