import type { ServerResponse } from 'node:http';
import { Inject, Injectable, type ExecutionContext } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { SessionsConfig } from '../../core/config/config.js';
import { SessionsCore } from '../../core/core.js';
import type { SessionValues } from '../../core/data/session-values.js';
import { Session } from '../../core/handles/session.js';
import { CLIENT } from '../../core/handles/actor-of.js';
import type { Client } from '../../domain/binding.js';
import { SESSIONS_CONFIG } from '../../core/config/tokens.js';
import { OwnPages } from '../client/own-pages.js';
import { isSecureScheme, ProxyTrust } from '../client/proxy-trust.js';
import { ClientReader } from '../client/client-reader.js';
import { CrossSiteGate } from '../client/cross-site-gate.js';
import { ExcludedPaths } from '../excluded-paths.js';
import { traitsOf, type HandlerTraits } from './handler-traits.js';
import { requestOf, responseOf } from '../exchange.js';
import { trackRequest } from '../stream/http-request-in-flight.js';
import {
  nodeRequest,
  nodeResponse,
  type PlatformRequest,
  type PlatformResponse,
} from '../platform-message.js';
import { isContinuation, isPartOfPage } from '../request-kinds.js';
import { TokenLookup, type Presented } from '../token/token-lookup.js';
import {
  errorFor,
  FoundSession,
  keepPresented,
  keepResolution,
  presentedOf,
  resolutionOf,
  tooLate,
  UnusedSession,
  used,
  type NoSession,
  type Resolution,
} from './resolution.js';
import { ResponseTokens } from '../token/response-tokens.js';
import { ClientTokens, useOf, type TokenSlot } from '../token/client-tokens.js';

const SKIPPED: Resolution = { session: null, reason: 'skipped' };
const GONE: Resolution = { session: null, reason: 'gone' };

/** Whether a request without a live session may open one. */
type Opens = 'always' | 'unless-ended' | 'never';

type NotLive = Exclude<Presented, { readonly kind: 'live' }>;

/** A request, and what opening a session for it needs. */
interface Arrival {
  readonly request: PlatformRequest;
  readonly response: PlatformResponse;
  readonly client: Client;
  readonly isSecure: boolean;
  readonly opens: Opens;
}

/**
 * Resolves the session of a request, once. The first caller (a guard, a throttler, a parameter decorator, the
 * interceptor) has it looked up or opened; every later caller gets the same result. With the option `openOn: 'use'`, a request
 * that presents no live session gets one by the first call of `resolve`, `resolveFor` or `require`.
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
  private readonly excluded: ExcludedPaths;

  constructor(
    @Inject(SessionsCore) private readonly core: SessionsCore,
    @Inject(SESSIONS_CONFIG) private readonly config: SessionsConfig,
    @Inject(HttpAdapterHost) host: HttpAdapterHost,
  ) {
    this.trust = new ProxyTrust(host);
    this.pages = new OwnPages(this.trust, config.allowedOrigins);
    this.clients = new ClientReader(this.trust);
    this.crossSite = new CrossSiteGate(config, this.pages, this.trust, core.events, core.clock);
    this.excluded = new ExcludedPaths(config.exclude, host);
    this.tokens = new ClientTokens(config);
    this.values = core.values;
    this.presented = new TokenLookup(core, this.tokens, config);
  }

  /**
   * The request's session, or the reason why it has none. Opens one for a client that presents no live one.
   * Guards call `resolveFor`, which knows `@AllowCrossSite()`, `@SkipSession()` and `@PassiveRequest()` of the handler.
   * @throws SessionsError `STORE_UNAVAILABLE`: a session that cannot be looked up is never replaced by a new one;
   * `SESSION_TOO_LATE`: the response has begun, so that no client would get the token of a new one; `CROSS_SITE_REFUSED`
   */
  async resolve(request: PlatformRequest, response: PlatformResponse): Promise<Resolution> {
    return used(resolutionOf(nodeRequest(request)) ?? this.arrive(request, response));
  }

  /**
   * The same, for guards, of GraphQL resolvers too: opens no session for a handler that skips sessions or is passive, nor for an event stream whose
   * session has ended. Synchronous if this process has the session cached.
   */
  resolveFor(context: ExecutionContext): Resolution | Promise<Resolution> {
    return used(this.lookFor(context));
  }

  /** The same, but opens no session: a request that presents no live one is `unused`, and may open one later. */
  lookFor(context: ExecutionContext): Resolution | Promise<Resolution> {
    const request = requestOf(context);
    const known = resolutionOf(nodeRequest(request));
    return known ?? this.arrive(request, responseOf(context), traitsOf(context));
  }

  /** @internal For a request that arrives at a handler: by the option `openOn`, that alone is a use of its session, or not. */
  admitFor(context: ExecutionContext): Resolution | Promise<Resolution> {
    return this.config.openOn === 'request' ? this.resolveFor(context) : this.lookFor(context);
  }

  /**
   * The request's session, for a handler that requires one.
   * @throws SessionsError `SESSION_REQUIRED`, `SESSION_RATE_LIMITED`, `SESSIONS_FULL`, `SESSION_BINDING_MISMATCH`,
   * `SESSION_TOO_LATE`, `CROSS_SITE_REFUSED`, `STORE_UNAVAILABLE`
   */
  async require(request: PlatformRequest, response: PlatformResponse): Promise<Session> {
    const resolution = await this.resolve(request, response);
    if (!resolution.session) throw errorFor(resolution);
    return resolution.session;
  }

  /** @internal The id of the live session whose token the request presents; `null` for none. Opens none. */
  async presentedIn(context: ExecutionContext): Promise<string | null> {
    const request = context.switchToHttp().getRequest<PlatformRequest>();
    if (this.skips(request, traitsOf(context))) return null;
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
   * of a user, nor where no session is read.
   */
  refuseCrossSite(request: PlatformRequest, handler?: HandlerTraits): void {
    if (!this.skips(request, handler)) this.checkSite(request, handler);
  }

  /** @internal Whether the request must read, touch and open no session: by the option `exclude`, or its handler. */
  skips(request: PlatformRequest, handler?: HandlerTraits): boolean {
    return handler?.skipsSession === true || this.excluded.has(request);
  }

  private checkSite(request: PlatformRequest, handler: HandlerTraits | undefined): void {
    const node = nodeRequest(request);
    if (handler?.allowsCrossSite || !this.crossSite.refuses(node, handler?.isEventStream ?? false)) return;
    if (!this.tokens.presentsCookie(request, isSecureScheme(request.protocol))) return;
    throw this.crossSite.refusal(node);
  }

  private arrive(
    request: PlatformRequest,
    response: PlatformResponse,
    handler?: HandlerTraits,
  ): Resolution | Promise<Resolution> {
    const node = nodeRequest(request);
    if (this.skips(request, handler)) return keepResolution(node, SKIPPED);
    this.checkSite(request, handler);
    return keepResolution(node, this.lookUp(request, response, openingFor(handler)));
  }

  private lookUp(
    request: PlatformRequest,
    response: PlatformResponse,
    opens: Opens,
  ): Resolution | Promise<Resolution> {
    const client = this.clients.read(request);
    if (!client) return GONE;
    const isSecure = isSecureScheme(request.protocol);
    const decide = (presented: Presented): Resolution =>
      presented.kind === 'live'
        ? this.found(presented, response, isSecure)
        : this.withoutLive(presented, { request, response, client, isSecure, opens });
    const presented = presentedOf(nodeRequest(request)) ?? this.find(request, client);
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

  private withoutLive(presented: NotLive, arrival: Arrival): Resolution {
    const refused = this.refusalOf(presented, arrival);
    if (refused) return refused;
    const node = nodeRequest(arrival.request);
    return new UnusedSession((unused) => keepResolution(node, this.begin(presented, arrival, unused)));
  }

  /** Why a request without a live session may open none, whatever uses it. */
  private refusalOf(presented: NotLive, { request, response, isSecure, opens }: Arrival): NoSession | null {
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
    if (kind === 'ended' && opens !== 'always') return { session: null, reason: 'ended' };
    return opens === 'never' ? { session: null, reason: 'passive' } : null;
  }

  /** Opens a session, at its first use. */
  private begin(
    presented: NotLive,
    arrival: Arrival,
    unused: UnusedSession,
  ): Resolution | Promise<Resolution> {
    const { kind } = presented;
    const { request, client, opens } = arrival;
    const isOfSecond = kind === 'mismatch' && presented.slot === 2;
    const hasNone = kind === 'absent' || kind === 'unknown' || isOfSecond;
    const isOver = kind === 'ended' || (hasNone && isContinuation(request));
    if (isOver && opens === 'unless-ended') return { session: null, reason: 'ended' };
    if (kind === 'mismatch' && isPartOfPage(request, client)) return { session: null, reason: 'subresource' };
    // The first cookie stays, if its session does.
    const cookie = kind === 'mismatch' && !isOfSecond && this.config.onMismatch === 'fresh' ? 2 : 1;
    return this.open(arrival, this.tokens.wantsBearer(request) ? 'bearer' : cookie, isOver, unused);
  }

  private async open(
    { response, client, isSecure }: Arrival,
    slot: TokenSlot,
    presentedEnded: boolean,
    unused: UnusedSession,
  ): Promise<Resolution> {
    if (nodeResponse(response).headersSent) throw tooLate();
    const opening = await this.core.service.open(client, useOf(slot));
    if (opening.kind === 'refused') {
      const { reason, retryAfterSeconds } = opening;
      return { session: null, reason, retryAfterSeconds };
    }
    const { session, token } = opening;
    if (!this.tokens.write(response, isSecure, slot, token)) {
      // The response has begun meanwhile: nobody can reach the session.
      await this.core.service.end(session, 'unconfirmed', { by: CLIENT });
      throw tooLate();
    }
    session.readDataFrom(this.values.ofRequests);
    this.carryTokens(session, response, isSecure, slot);
    const found = new FoundSession(session, null, presentedEnded, false);
    await unused.opened(found);
    return found;
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

function openingFor(handler: HandlerTraits | undefined): Opens {
  if (handler?.isPassive) return 'never';
  return handler?.isEventStream ? 'unless-ended' : 'always';
}
