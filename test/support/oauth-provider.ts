import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

interface Grant {
  readonly challenge: string;
  readonly redirectUri: string;
  readonly clientId: string;
}

/** What a provider sends a browser back with. */
export interface Return {
  readonly to: URL;
  readonly fields: Record<string, string>;
}

/** A service for logins: issues codes, and trades each once for a token, to who knows its PKCE verifier. */
export class OAuthProvider {
  private readonly grants = new Map<string, Grant>();
  private readonly tokens = new Set<string>();

  private constructor(private readonly server: Server) {}

  static async start(): Promise<OAuthProvider> {
    const server = createServer();
    const provider = new OAuthProvider(server);
    server.on('request', (request, response) => void provider.answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return provider;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** The user agrees on the page that the application sent them to. */
  async agree(location: string): Promise<Return> {
    const response = await fetch(location, { redirect: 'manual' });
    if (response.status !== 302) throw new Error(`${response.status}: ${await response.text()}`);
    const to = new URL(response.headers.get('location')!);
    return { to, fields: Object.fromEntries(to.searchParams) };
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url!, this.url);
    if (pathname === '/authorize') return this.authorize(searchParams, response);
    if (pathname === '/token') return this.trade(new URLSearchParams(await text(request)), response);
    const isKnown = this.tokens.has(request.headers.authorization?.replace(/^Bearer /, '') ?? '');
    return isKnown ? send(response, 200, { sub: 'ada', name: 'Ada' }) : send(response, 401, {});
  }

  private authorize(query: URLSearchParams, response: ServerResponse): void {
    const isAsked =
      query.get('response_type') === 'code' &&
      query.get('code_challenge_method') === 'S256' &&
      query.get('client_id') === 'my-app';
    if (!isAsked) return send(response, 400, { error: 'invalid_request' });
    const code = randomUUID();
    const redirectUri = query.get('redirect_uri') ?? '';
    this.grants.set(code, { challenge: query.get('code_challenge') ?? '', redirectUri, clientId: 'my-app' });
    const back = new URL(redirectUri);
    back.searchParams.set('code', code);
    back.searchParams.set('state', query.get('state') ?? '');
    response.writeHead(302, { location: String(back) }).end();
  }

  private trade(form: URLSearchParams, response: ServerResponse): void {
    const code = form.get('code') ?? '';
    const grant = this.grants.get(code);
    this.grants.delete(code);
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    const isRight =
      grant !== undefined &&
      form.get('grant_type') === 'authorization_code' &&
      form.get('redirect_uri') === grant.redirectUri &&
      form.get('client_id') === grant.clientId &&
      challenge === grant.challenge;
    if (!isRight) return send(response, 400, { error: 'invalid_grant' });
    const token = randomUUID();
    this.tokens.add(token);
    return send(response, 200, { access_token: token, token_type: 'Bearer' });
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
