import type { TokenCodec } from '../../core/tokens/token-codec.js';
import type { SessionToken } from '../../core/tokens/session-token.js';
import {
  nodeRequest,
  nodeResponse,
  type PlatformRequest,
  type PlatformResponse,
} from '../platform-message.js';
import { setPrivateToken } from './private-response.js';

const BEARER = /^bearer +(\S+)$/i;
/** A client that cannot set headers of a WebSocket offers its token as a subprotocol with this prefix. */
const PROTOCOL = 'nest-sessions.token.';
/** What a client without a token sends as `X-Session-Token`, to get one in that header of the response. */
const NEW = 'new';

/** Reads bearer tokens from requests and upgrades, and answers new ones in the header `X-Session-Token`. */
export class TokenHeader {
  constructor(private readonly tokens: Pick<TokenCodec, 'isOfForm'>) {}

  /** The bearer token, or that of an offered subprotocol; `null` for none that has the form of ours. */
  read(request: PlatformRequest): string | null {
    const text = bearerOf(request) ?? offeredBy(request);
    return text !== null && this.tokens.isOfForm(text) ? text : null;
  }

  /** Whether the request has a bearer token of somebody else, such as a JWT. */
  isForeign(request: PlatformRequest): boolean {
    const text = bearerOf(request);
    return text !== null && !this.tokens.isOfForm(text);
  }

  /** Whether the client wants the token of a new session in a header. */
  asksForNew(request: PlatformRequest): boolean {
    return nodeRequest(request).headers['x-session-token'] === NEW;
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
  return new Set([...protocols].filter((name) => !name.startsWith(PROTOCOL)));
}

function bearerOf(request: PlatformRequest): string | null {
  const { authorization } = nodeRequest(request).headers;
  return (authorization !== undefined && BEARER.exec(authorization.trim())?.[1]) || null;
}

function offeredBy(request: PlatformRequest): string | null {
  const offered = nodeRequest(request).headers['sec-websocket-protocol'];
  const names = offered?.split(',').map((name) => name.trim());
  return names?.find((name) => name.startsWith(PROTOCOL))?.slice(PROTOCOL.length) ?? null;
}
