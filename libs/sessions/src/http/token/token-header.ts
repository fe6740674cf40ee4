import { isPlainForm } from '../../core/tokens/plain-tokens.js';
import { keyIdOf } from '../../core/tokens/token-key.js';
import type { SessionToken } from '../../core/tokens/session-token.js';
import {
  nodeRequest,
  nodeResponse,
  type PlatformRequest,
  type PlatformResponse,
} from '../platform-message.js';
import { setPrivateToken } from './private-response.js';

const BEARER = /^bearer(?!\S)/i;
/** A client that cannot set headers of a WebSocket offers its token as a subprotocol with this prefix. */
const PROTOCOL = 'nest-sessions.token.';
/** What a client without a token sends as `X-Session-Token`, to get one in that header of the response. */
const NEW = 'new';

/** Reads bearer tokens from requests and upgrades, and answers new ones in the header `X-Session-Token`. */
export class TokenHeader {
  /** The bearer token, or that of an offered subprotocol; `null` for none that has the form of ours. */
  read(request: PlatformRequest): string | null {
    const text = bearerOf(request) ?? offeredBy(request);
    return text !== null && isOfOurForm(text) ? text : null;
  }

  /** Whether the request has a bearer token of somebody else, such as a JWT, or a broken one. */
  isForeign(request: PlatformRequest): boolean {
    const text = bearerOf(request);
    return text !== null && !isOfOurForm(text);
  }

  /** Whether the client wants the token of a new session in a header. */
  asksForNew(request: PlatformRequest): boolean {
    return nodeRequest(request).headers['x-session-token'] === NEW;
  }

  /** Takes back a token that this response was to carry. */
  clear(response: PlatformResponse): void {
    const node = nodeResponse(response);
    if (!node.headersSent) setPrivateToken(node, null);
  }

  /** `false` if the response headers were already sent. */
  write(response: PlatformResponse, token: SessionToken): boolean {
    const node = nodeResponse(response);
    if (node.headersSent) return false;
    setPrivateToken(node, token.reveal());
    return true;
  }
}

/** The offered subprotocols that may be answered: a token is a secret, and must not be echoed. */
export function withoutTokens(protocols: ReadonlySet<string>): Set<string> {
  return new Set([...protocols].filter((name) => !holdsToken(name)));
}

/** Whether a subprotocol is a token, in whatever case it is spelled. */
function holdsToken(protocol: string): boolean {
  return protocol.toLowerCase().startsWith(PROTOCOL);
}

/** Whether a server of this package may have issued it, with the option `keys` or without: it is ours, though it may be of no use. */
function isOfOurForm(text: string): boolean {
  return isPlainForm(text) || keyIdOf(text) !== null;
}

/** What follows the scheme; '' for nothing, `null` for no bearer token. */
function bearerOf(request: PlatformRequest): string | null {
  const { authorization = '' } = nodeRequest(request).headers;
  const [scheme] = BEARER.exec(authorization) ?? [];
  return scheme === undefined ? null : authorization.slice(scheme.length).trim();
}

function offeredBy(request: PlatformRequest): string | null {
  const offered = nodeRequest(request).headers['sec-websocket-protocol'];
  const names = offered?.split(',').map((name) => name.trim());
  return names?.find(holdsToken)?.slice(PROTOCOL.length) ?? null;
}
