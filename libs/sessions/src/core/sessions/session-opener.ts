import { randomUUID } from 'node:crypto';
import type { Client } from '../../domain/binding.js';
import { SessionsError, type ErrorCode } from '../../domain/errors.js';
import type { RefusalReason } from '../../domain/events.js';
import { openingRecord, type NewSession } from '../../domain/session.js';
import type { NetworkLimits, OpeningLimits, RefusedNetwork, RefusedOpening } from '../../ports/sessions.js';
import { hasNetwork, networkOf } from '../config/client-address.js';
import { labelOf } from '../config/options.js';
import { CLIENT, limitOf } from '../handles/actor-of.js';
import { MinuteLog } from '../watch/minute-log.js';
import type { CoreContext } from '../process/context.js';
import type { Ender } from '../endings/ender.js';
import { Session } from '../handles/session.js';
import type { SessionToken } from '../tokens/session-token.js';
import type { TokenUse } from '../tokens/token-codec.js';

const MINUTE_MS = 60_000;
const MAX_EVICTED_AT_ONCE = 256;
/** The room that was made for an opening may be taken by another, of any process. */
const MAX_ATTEMPTS = 64;

type OpeningRefusal = Extract<RefusalReason, 'rate' | 'unconfirmed' | 'network_full' | 'full'>;

const ERRORS: Readonly<Record<OpeningRefusal, readonly [code: ErrorCode, what: string]>> = {
  rate: ['SESSION_RATE_LIMITED', 'Your network has opened too many sessions (option openRate)'],
  unconfirmed: [
    'SESSION_RATE_LIMITED',
    'Your network has too many sessions whose cookie never came back (option maxUnconfirmedPerNetwork)',
  ],
  network_full: [
    'SESSION_RATE_LIMITED',
    'Your network has too many sessions without a user (option maxSessionsPerNetwork)',
  ],
  full: ['SESSIONS_FULL', 'The server has too many sessions (option maxSessions)'],
};

/** The option that sets a limit of a network. */
const OPTION_OF = { rate: 'openRate', unconfirmed: 'maxUnconfirmedPerNetwork' } as const;

export type Opening =
  | { readonly kind: 'opened'; readonly session: Session; readonly token: SessionToken }
  | {
      readonly kind: 'refused';
      readonly reason: OpeningRefusal;
      readonly retryAfterSeconds: number;
    };

/** The error for a caller that requires the session. */
export function openingError(refused: {
  readonly reason: OpeningRefusal;
  readonly retryAfterSeconds?: number;
}): SessionsError {
  const { reason, retryAfterSeconds } = refused;
  const retry = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
  const [code, what] = ERRORS[reason];
  return new SessionsError(code, `${what}: retry later.`, retry);
}

/** Makes room for several openings. Once it has chosen what to evict, others need the next one. */
interface Eviction {
  wanted: number;
  hasChosen: boolean;
  done: Promise<boolean>;
}

/** Opens sessions, within the limits of each network and `maxSessions` for all. The store keeps the limits. */
export class SessionOpener {
  /** The latest under way, for a network, or for all: ''. */
  private readonly evictions = new Map<string, Eviction>();
  private readonly minuteLog: MinuteLog;

  constructor(
    private readonly context: CoreContext,
    private readonly ender: Ender,
  ) {
    this.minuteLog = new MinuteLog(context.clock, context.log);
  }

  /**
   * `getsUser`: a login follows at once, so that it takes no place of its network.
   * @throws SessionsError `STORE_UNAVAILABLE`
   */
  async open(client: Client, use: TokenUse = 'cookie', getsUser = false): Promise<Opening> {
    const id = randomUUID();
    const token = this.context.tokens.createFor(id, use);
    const now = this.context.clock.now();
    const session: NewSession = {
      id,
      tokenHash: token.hash,
      ipAddress: client.ipAddress,
      userAgent: client.userAgent,
      createdAt: now,
      expiresAt: now + this.context.config.maxDurationMs,
      idleMs: this.context.config.maxIdleMs,
    };
    const network = this.limitsOf(client, getsUser);
    const answer = await this.add(session, { maxSessions: this.context.config.maxSessions, network });
    if (answer === 'full') return this.refuseFull(network);
    if (answer === 'network-full') return this.refuseNetworkFull(network);
    if (answer !== 'opened') return this.refuseNetwork(answer, network);
    this.context.cache.know(id, null);
    this.context.events.emit('session.opened', { sessionId: id, at: now });
    return { kind: 'opened', token, session: new Session(openingRecord(session)) };
  }

  private limitsOf({ ipAddress, sharesAddress }: Client, getsUser: boolean): NetworkLimits | null {
    if (sharesAddress || !hasNetwork(ipAddress)) return null;
    const { openRate, maxUnconfirmedPerNetwork, maxSessionsPerNetwork } = this.context.config;
    return {
      key: networkOf(ipAddress),
      openRate,
      maxUnconfirmed: maxUnconfirmedPerNetwork,
      maxSessions: getsUser ? 0 : maxSessionsPerNetwork,
    };
  }

  private async add(session: NewSession, limits: OpeningLimits): Promise<'opened' | RefusedOpening> {
    let answer: 'opened' | RefusedOpening = 'full';
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      answer = await this.context.store.sessions.open(session, limits, this.context.journal.note(CLIENT));
      if (answer !== 'full' && answer !== 'network-full') return answer;
      const network = answer === 'network-full' ? limits.network?.key : undefined;
      if (!(await this.makeRoom(network))) return answer;
    }
    return answer;
  }

  /**
   * At `maxSessions`, or at the limit of a network, evicts sessions of all or of the network in the order of `evictionRank`.
   * Concurrent openings share one eviction: one by one they would compete for the same few. Answers whether there was any to evict.
   */
  private makeRoom(network?: string): Promise<boolean> {
    const key = network ?? '';
    const latest = this.evictions.get(key);
    if (latest && !latest.hasChosen) {
      latest.wanted += 1;
      return latest.done;
    }
    const eviction = { wanted: 1, hasChosen: false, done: Promise.resolve(false) };
    eviction.done = this.evict(eviction, latest?.done, network).finally(() => {
      if (this.evictions.get(key) === eviction) this.evictions.delete(key);
    });
    this.evictions.set(key, eviction);
    return eviction.done;
  }

  /** Begins after `former`, which would choose the same sessions. */
  private async evict(
    eviction: Eviction,
    former: Promise<unknown> | undefined,
    network: string | undefined,
  ): Promise<boolean> {
    await former?.catch(() => {});
    // Stores answer concurrent calls in batches: other refused openings join within this turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    const { store, touches, clock } = this.context;
    // The store must know whose cookie has come back to this process.
    if (touches.size > 0) await touches.flush(clock.now());
    eviction.hasChosen = true;
    const wanted = Math.min(eviction.wanted, MAX_EVICTED_AT_ONCE);
    const candidates = await store.sessions.findEvictable(wanted, network);
    const by = limitOf(network === undefined ? 'maxSessions' : 'maxSessionsPerNetwork');
    await Promise.all(candidates.map((session) => this.ender.endIfStill(session, 'evicted', { by })));
    return candidates.length > 0;
  }

  private refuseFull(network: NetworkLimits | null): Opening {
    const { maxSessions } = this.context.config;
    this.minuteLog.warn(
      'maxSessions',
      () =>
        `Network ${network?.key ?? 'unknown'} gets no session: ${labelOf('maxSessions')} is ${maxSessions}, and none may be evicted.`,
    );
    return this.refuse('full', MINUTE_MS);
  }

  private refuseNetworkFull(network: NetworkLimits | null): Opening {
    const { maxSessionsPerNetwork } = this.context.config;
    this.minuteLog.warn(
      'maxSessionsPerNetwork',
      () =>
        `Network ${network?.key ?? ''} gets no session: ${labelOf('maxSessionsPerNetwork')} is ${maxSessionsPerNetwork}, and none of its own may be evicted.`,
    );
    return this.refuse('network_full', MINUTE_MS);
  }

  private refuseNetwork({ refused, retryAfterMs }: RefusedNetwork, network: NetworkLimits | null): Opening {
    const option = OPTION_OF[refused];
    this.minuteLog.warn(
      option,
      () =>
        `Network ${network?.key ?? ''} gets no more sessions: ${labelOf(option)} is ${this.context.config[option]}.`,
    );
    return this.refuse(refused, retryAfterMs);
  }

  private refuse(reason: OpeningRefusal, waitMs: number): Opening {
    this.context.events.emit('session.refused', { reason });
    return { kind: 'refused', reason, retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)) };
  }
}
