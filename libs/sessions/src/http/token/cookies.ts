import { parseCookie, stringifySetCookie, type SetCookie } from 'cookie';
import {
  nodeRequest,
  nodeResponse,
  type PlatformRequest,
  type PlatformResponse,
} from '../platform-message.js';
import { setPrivateCookie } from './private-response.js';

const NONE: readonly string[] = [];
const UNDECODED = { decode: (value: string): string => value };

/** All values of cookies with exactly this name, undecoded. */
export function readCookies(request: PlatformRequest, name: string): readonly string[] {
  const header = nodeRequest(request).headers.cookie;
  if (header === undefined || !header.includes(name)) return NONE;
  // Pair by pair: the parser keeps only the first of two cookies with one name. Other cookies need no parsing.
  const values: string[] = [];
  for (const pair of header.split(';')) {
    const value = pair.includes(name) ? parseCookie(pair, UNDECODED)[name] : undefined;
    if (value !== undefined) values.push(value);
  }
  return values;
}

/** Sets a cookie with a response, which no cache may keep then. `false` if the headers were already sent. */
export function sendCookie(response: PlatformResponse, cookie: SetCookie): boolean {
  const node = nodeResponse(response);
  if (node.headersSent) return false;
  setPrivateCookie(node, cookie.name, stringifySetCookie(cookie), cookie.domain);
  return true;
}
