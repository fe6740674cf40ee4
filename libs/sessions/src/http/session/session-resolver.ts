import type { ServerResponse } from 'node:http';
import { Inject, Injectable, type ExecutionContext } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { SessionsConfig } from '../../core/config/config.js';
import { SessionsCore } from '../../core/core.js';
import type { SessionValues } from '../../core/data/session-values.js';
import { Session } from '../../core/handles/session.js';
import type { Client } from '../../domain/binding.js';
import { SESSIONS_CONFIG } from '../../core/config/tokens.js';
import { OwnPages } from '../client/own-pages.js';
import { isSecureScheme, ProxyTrust } from '../client/proxy-trust.js';
import { ClientReader } from '../client/client-reader.js';
import { CrossSiteGate } from '../client/cross-site-gate.js';
import { traitsOf, type HandlerTraits } from './handler-traits.js';
import { requestOf, responseOf } from '../exchange.js';
import { trackRequest } from '../stream/http-request-in-flight.js';
import { nodeRequest, type PlatformRequest, type PlatformResponse } from '../platform-message.js';
import { isContinuation, isPartOfPage } from '../request-kinds.js';
import { TokenLookup, type Presented } from '../token/token-lookup.js';
import {
  errorFor,
  FoundSession,
  keepPresented,
  keepResolution,
  presentedOf,
  resolutionOf,
  type Resolution,
} from './resolution.js';
import { ResponseTokens } from '../token/response-tokens.js';
import { ClientTokens, useOf, type TokenSlot } from '../token/client-tokens.js';

const SKIPPED: Resolution = { session: null, reason: 'skipped' };
const GONE: Resolution = { session: null, reason: 'gone' };

/** Whether a request without a live session opens one. */
type Opens = 'always' | 'unless-ended' | 'never';

/**
 * Resolves the session of a request, once. The first caller (a guard, a throttler, a parameter decorator, the
 * interceptor) has it looked up or opened; every later caller gets the same result.
 */
@Injectable()
export class SessionResolver {
  /** @internal */
  readonly trust: ProxyTrust;
  /** @internal */
  readonly pages: OwnPages;
  /** @internal */
  readonly clients: ClientReader;
  /** @internal */
  readonly tokens: ClientTokens;
  /** @internal */
  readonly presented: TokenLookup;
  /** @internal */
  readonly values: SessionValues;
  private readonly crossSite: CrossSiteGate;

  constructor(
    @Inject(SessionsCore) private readonly core: SessionsCore,
    @Inject(SESSIONS_CONFIG) private readonly config: SessionsConfig,
    @Inject(HttpAdapterHost) host: HttpAdapterHost,
  ) {
    this.trust = new ProxyTrust(host);
    this.pages = new OwnPages(this.trust, config.allowedOrigins);
    this.clients = new ClientReader(this.trust);
    this.crossSite = new CrossSiteGate(config, this.pages, this.trust, core.events, core.clock);
    this.tokens = new ClientTokens(config);
    this.values = core.values;
    this.presented = new TokenLookup(core, this.tokens, config);
  }

  /**
   * The request's session, or the reason why it has none. Opens one for a client that presents no live one.
   * Guards call `resolveFor`, which knows `@AllowCrossSite()`, `@SkipSession()` and `@PassiveRequest()` of the handler.
   * @throws SessionsError `STORE_UNAVAILABLE`: a session that cannot be looked up is never replaced by a new one;
   * `CROSS_SITE_REFUSED`
   */
  async resolve(request: PlatformRequest, response: PlatformResponse): Promise<Resolution> {
    const node = nodeRequest(request);
    const known = resolutionOf(node);
    if (known) return known;
    this.refuseCrossSite(request);
    return keepResolution(node, this.lookUp(request, response, 'always'));
  }

  /**
   * The same, for guards, of GraphQL resolvers too: opens no session for a handler that skips sessions or is passive, nor for an event stream whose
   * session has ended. Synchronous if this process has the session cached.
   */
  resolveFor(context: ExecutionContext): Resolution | Promise<Resolution> {
    const request = requestOf(context);
    const node = nodeRequest(request);
    const known = resolutionOf(node);
    if (known) return known;
    const traits = traitsOf(context);
    if (!traits.skipsSession) this.refuseCrossSite(request, traits);
    const resolution = traits.skipsSession
      ? SKIPPED
      : this.lookUp(request, responseOf(context), openingFor(traits));
    return keepResolution(node, resolution);
  }

  /**
   * The request's session, for a handler that requires one.
   * @throws SessionsError `SESSION_REQUIRED`, `SESSION_RATE_LIMITED`, `SESSIONS_FULL`, `SESSION_BINDING_MISMATCH`,
   * `CROSS_SITE_REFUSED`, `STORE_UNAVAILABLE`
   */
  async require(request: PlatformRequest, response: PlatformResponse): Promise<Session> {
    const resolution = await this.resolve(request, response);
    if (!resolution.session) throw errorFor(resolution);
    return resolution.session;
  }

  /** @internal The id of the live session whose token the request presents; `null` for none. Opens none. */
  async presentedIn(context: ExecutionContext): Promise<string | null> {
    if (traitsOf(context).skipsSession) return null;
    const request = context.switchToHttp().getRequest<PlatformRequest>();
    const node = nodeRequest(request);
    const known = await resolutionOf(node);
    if (known) return known.session !== null && known.tokenHash !== null ? known.session.id : null;
    const client = this.clients.read(request);
    if (!client) return null;
    const finding = this.find(request, client);
    keepPresented(node, finding);
    const presented = await finding;
    return presented.kind === 'live' ? presented.record.id : null;
  }

  /**
   * @internal Counts the request; the opening of a session has already counted its first. It is activity until `response` has
   * ended; `null`: of an event stream.
   */
  touch({ session, tokenHash }: FoundSession, response: ServerResponse | null): void {
    const at = tokenHash === null ? session.createdAt : this.core.finder.touch(session.id, tokenHash);
    if (response) trackRequest(response, session, at, tokenHash === null, this.core.requests);
  }

  /** @internal Counts a passive request if it is the first that presents the cookie. */
  confirm({ session, tokenHash, wasConfirmed }: FoundSession): void {
    if (tokenHash !== null && !wasConfirmed) this.core.finder.confirm(session, tokenHash);
  }

  /**
   * @internal Refuses a request with a session cookie that a page of another site sends; without one it does nothing in the name
   * of a user.
   */
  refuseCrossSite(request: PlatformRequest, handler?: HandlerTraits): void {
    const node = nodeRequest(request);
    if (handler?.allowsCrossSite || !this.crossSite.refuses(node, handler?.isEventStream ?? false)) return;
    if (!this.tokens.presentsCookie(request, isSecureScheme(request.protocol))) return;
    throw this.crossSite.refusal(node);
  }

  private lookUp(
    request: PlatformRequest,
    response: PlatformResponse,
    opens: Opens,
  ): Resolution | Promise<Resolution> {
    const client = this.clients.read(request);
    if (!client) return GONE;
    const isSecure = isSecureScheme(request.protocol);
    const node = nodeRequest(request);
    const decide = (presented: Presented): Resolution | Promise<Resolution> =>
      presented.kind === 'live'
        ? this.found(presented, response, isSecure)
        : this.openOrRefuse(presented, request, client, response, isSecure, opens);
    const presented = presentedOf(node) ?? this.find(request, client);
    return presented instanceof Promise ? presented.then(decide) : decide(presented);
  }

  private find(request: PlatformRequest, client: Client): Presented | Promise<Presented> {
    const { method } = nodeRequest(request);
    const onlyReads = method === 'GET' || method === 'HEAD';
    return this.presented.find(request, client, isSecureScheme(request.protocol), onlyReads);
  }

  private found(
    { record, slot = 1, isPlayer, takesBackSecond }: Extract<Presented, { kind: 'live' }>,
    response: PlatformResponse,
    isSecure: boolean,
  ): FoundSession {
    const session = new Session(record);
    session.readDataFrom(this.values.ofRequests);
    if (takesBackSecond) this.tokens.clear(response, isSecure, 2);
    if (!isPlayer) this.carryTokens(session, response, isSecure, slot);
    return new FoundSession(session, record.tokenHash, false, record.confirmed);
  }

  private openOrRefuse(
    presented: Presented,
    request: PlatformRequest,
    client: Client,
    response: PlatformResponse,
    isSecure: boolean,
    opens: Opens,
  ): Resolution | Promise<Resolution> {
    const { kind } = presented;
    const { onMismatch } = this.config;
    if (kind === 'replaced') return { session: null, reason: 'replaced' };
    if (kind === 'ambiguous') {
      this.tokens.clearAll(response, isSecure, request.hostname);
      return { session: null, reason: 'ambiguous' };
    }
    if (this.tokens.presentsForeign(request)) return { session: null, reason: 'foreign' };
    // A client has one place for a bearer token: that of a fresh session would replace the good one.
    const isRefused =
      kind === 'mismatch' && (presented.slot === 'bearer' ? onMismatch !== 'end' : onMismatch === 'refuse');
    if (isRefused) return { session: null, reason: 'mismatch' };
    const isOfSecond = kind === 'mismatch' && presented.slot === 2;
    const hasNone = kind === 'absent' || kind === 'unknown' || isOfSecond;
    const isOver = kind === 'ended' || (hasNone && isContinuation(request));
    if (isOver && opens === 'unless-ended') return { session: null, reason: 'ended' };
    if (kind === 'ended' && opens === 'never') return { session: null, reason: 'ended' };
    if (opens === 'never') return { session: null, reason: 'passive' };
    if (kind === 'mismatch' && isPartOfPage(request, client)) return { session: null, reason: 'subresource' };
    // The first cookie stays, if its session does.
    const cookie = kind === 'mismatch' && !isOfSecond && onMismatch === 'fresh' ? 2 : 1;
    const slot = this.tokens.wantsBearer(request) ? 'bearer' : cookie;
    return this.open(client, response, isSecure, slot, isOver);
  }

  private async open(
    client: Client,
    response: PlatformResponse,
    isSecure: boolean,
    slot: TokenSlot,
    presentedEnded: boolean,
  ): Promise<Resolution> {
    const opening = await this.core.service.open(client, useOf(slot));
    if (opening.kind === 'refused') {
      const { reason, retryAfterSeconds } = opening;
      return { session: null, reason, retryAfterSeconds };
    }
    const { session, token } = opening;
    session.readDataFrom(this.values.ofRequests);
    this.tokens.write(response, isSecure, slot, token);
    this.carryTokens(session, response, isSecure, slot);
    return new FoundSession(session, null, presentedEnded, false);
  }

  /** From now on `login`, `regenerate` and `end` of this session object set the client's cookie. */
  private carryTokens(
    session: Session,
    response: PlatformResponse,
    isSecure: boolean,
    slot: TokenSlot,
  ): void {
    session.carryTokensBy(new ResponseTokens(session, this.tokens, response, isSecure, slot));
  }
}

function openingFor({ isPassive, isEventStream }: HandlerTraits): Opens {
  if (isPassive) return 'never';
  return isEventStream ? 'unless-ended' : 'always';
}
