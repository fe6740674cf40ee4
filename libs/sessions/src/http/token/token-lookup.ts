import { Logger } from '@nestjs/common';
import type { SessionsConfig } from '../../core/config/config.js';
import { labelOf } from '../../core/config/options.js';
import type { SessionsCore } from '../../core/core.js';
import { CLIENT } from '../../core/handles/actor-of.js';
import type { Finding } from '../../core/sessions/session-finder.js';
import { MinuteLog } from '../../core/watch/minute-log.js';
import type { Client, Mismatch } from '../../domain/binding.js';
import type { RefusalReason } from '../../domain/events.js';
import type { PlatformRequest } from '../platform-message.js';
import type { ClientTokens, TokenSlot } from './client-tokens.js';
import type { CookieSlot } from './session-cookie.js';

/** Different tokens that are looked up for one request and cookie name. */
const MOST_TOKENS = 4;

/**
 * The result of looking up a request's tokens. `absent`: the request has none. `ambiguous`: it has several of one
 * name, and nothing shows which is the user's.
 */
export type Presented =
  | { readonly kind: 'absent' | 'ambiguous' }
  | (Finding & {
      /** Where the token came from. Default: the first cookie. */
      readonly slot?: TokenSlot;
      /** Whether the second cookie is of no use beside the first. */
      readonly takesBackSecond?: boolean;
    });

type Kind = Presented['kind'];

const REFUSALS: Partial<Record<Kind, RefusalReason>> = {
  unknown: 'unknown_token',
  ended: 'ended_token',
  replaced: 'replaced_token',
  mismatch: 'mismatch',
  ambiguous: 'several_cookies',
};

const OUTCOMES = {
  fresh: 'it is served without that session',
  refuse: 'it is refused',
  end: 'that session is ended',
} as const;

const MISMATCHES = {
  address: ['address', 'bindIp'],
  agent: ['user agent', 'bindAgent'],
} as const;

/**
 * Looks up the session of a request or upgrade by its tokens: its bearer token, else its cookies. Emits an event for every request
 * whose tokens it refuses.
 */
export class TokenLookup {
  private readonly minuteLog: MinuteLog;

  constructor(
    private readonly core: SessionsCore,
    private readonly tokens: ClientTokens,
    private readonly config: SessionsConfig,
  ) {
    this.minuteLog = new MinuteLog(core.clock, new Logger('Sessions'));
  }

  /**
   * `onlyReads`: the request is a GET or HEAD. Synchronous if the process knows the answer without the store. Rejects with
   * `STORE_UNAVAILABLE`.
   */
  find(
    request: PlatformRequest,
    client: Client,
    isSecure: boolean,
    onlyReads: boolean,
  ): Presented | Promise<Presented> {
    const bearer = this.tokens.bearerOf(request);
    if (bearer !== null) return this.findBearer(bearer, client, onlyReads);
    const first = this.tokens.cookiesOf(request, isSecure, 1);
    const second = this.tokens.cookiesOf(request, isSecure, 2);
    const [token, ...others] = first;
    if (token === undefined && second.length === 0) return { kind: 'absent' };
    if (token === undefined || others.length > 0 || second.length > 0) {
      return this.findAmong(first, second, client, onlyReads).then((presented) => this.report(presented));
    }
    const finding = this.core.finder.identify(token, client, onlyReads);
    return !(finding instanceof Promise) && finding.kind === 'live' ? finding : this.reportOne(finding);
  }

  private findBearer(bearer: string, client: Client, onlyReads: boolean): Presented | Promise<Presented> {
    const finding = this.core.finder.identify(bearer, client, onlyReads, 'learn', 'bearer');
    const present = (found: Finding): Presented => ({ ...found, slot: 'bearer' });
    if (finding instanceof Promise) return finding.then((found) => this.report(present(found)));
    return finding.kind === 'live' ? present(finding) : this.report(present(finding));
  }

  private async reportOne(finding: Finding | Promise<Finding>): Promise<Presented> {
    return this.report(await finding);
  }

  /** The token whose session fits the client counts. */
  private async findAmong(
    first: readonly string[],
    second: readonly string[],
    client: Client,
    onlyReads: boolean,
  ): Promise<Presented> {
    const { finder } = this.core;
    const tokens = [...mostOf(first, 1), ...mostOf(second, 2)];
    // What the cache knows may choose a token, but rejects none: only what the store says does.
    let candidates: Candidate[] = [];
    for (const lookUp of ['glance', 'compare'] as const) {
      candidates = await Promise.all(
        tokens.map(async ({ token, slot }) => {
          const finding = await finder.identify(token, client, onlyReads, lookUp);
          return { token, slot, finding };
        }),
      );
      const chosen = choose(candidates);
      if (chosen === 'ambiguous') return { kind: chosen };
      if (chosen) return this.present(chosen, candidates, client, onlyReads);
    }
    const isCut = tokens.length < new Set(first).size + new Set(second).size;
    return isCut ? { kind: 'ambiguous' } : leastUnfitting(candidates);
  }

  private async present(
    { token, slot, finding }: Candidate,
    candidates: readonly Candidate[],
    client: Client,
    onlyReads: boolean,
  ): Promise<Presented> {
    const hasToLearn = finding.kind === 'live' && finding.hasToLearn;
    const found = hasToLearn ? await this.core.finder.identify(token, client, onlyReads) : finding;
    if (found.kind !== 'live' || slot === 2) return { ...found, slot };
    const seconds = candidates.filter((candidate) => candidate.slot === 2);
    return seconds.length > 0 && seconds.every(isNeedless) ? { ...found, takesBackSecond: true } : found;
  }

  private async report(presented: Presented): Promise<Presented> {
    const { events, service } = this.core;
    if (presented.kind === 'mismatch') {
      const { id: sessionId } = presented.record;
      events.emit('session.mismatch', { sessionId, property: presented.property });
      this.warnOfMismatch(sessionId, presented.property);
      if (this.config.onMismatch === 'end') await service.end({ id: sessionId }, 'ended', { by: CLIENT });
    }
    if (presented.kind === 'ambiguous') this.warnOfAmbiguity();
    const refusal = REFUSALS[presented.kind];
    if (refusal) events.emit('session.refused', { reason: refusal });
    return presented;
  }

  private warnOfMismatch(sessionId: string, property: Mismatch): void {
    const { onMismatch } = this.config;
    const [what, option] = MISMATCHES[property];
    this.minuteLog.warn(
      property,
      () =>
        `A request presents the token of session ${sessionId} from another ${what} than the one it is bound to: ` +
        `${OUTCOMES[onMismatch]}. ${labelOf(option)} is ${this.config[option]}, ${labelOf('onMismatch')} is ${onMismatch}.`,
    );
  }

  private warnOfAmbiguity(): void {
    const name = this.config.cookieName;
    this.minuteLog.warn(
      'cookies',
      () =>
        `A request has several cookies named ${name}, and nothing shows which is the user's: it is served without a session ` +
        'and told to delete them. Another application may set this name on a parent domain or a path: give this one a name ' +
        `of its own by ${labelOf('cookieName')}.`,
    );
  }
}

/** A token that was presented, and what is known of it. */
interface Candidate {
  readonly token: string;
  readonly slot: CookieSlot;
  readonly finding: Finding;
}

function mostOf(tokens: readonly string[], slot: CookieSlot): Pick<Candidate, 'token' | 'slot'>[] {
  return [...new Set(tokens)].slice(0, MOST_TOKENS).map((token) => ({ token, slot }));
}

/** The first cookie comes before the second; of one name, a session that fits before one that has to learn. */
function choose(candidates: readonly Candidate[]): Candidate | 'ambiguous' | null {
  for (const slot of [1, 2] as const) {
    for (const hasToLearn of [false, true]) {
      const [fitting, ...others] = candidates.filter(
        ({ finding, slot: of }) =>
          of === slot && finding.kind === 'live' && (finding.hasToLearn ?? false) === hasToLearn,
      );
      if (others.length > 0) return 'ambiguous';
      if (fitting) return fitting;
    }
  }
  return null;
}

/** Whether a second cookie can be taken back beside a first one that fits: it is of no other client, and not being replaced. */
function isNeedless({ finding }: Candidate): boolean {
  if (finding.kind === 'live') return !finding.hasToLearn;
  return finding.kind === 'ended' || finding.kind === 'unknown';
}

/** Of several tokens none of which fits. */
function leastUnfitting(candidates: readonly Candidate[]): Presented {
  const [best] = candidates.toSorted((a, b) => weightOf(b) - weightOf(a));
  return best ? { ...best.finding, slot: best.slot } : { kind: 'absent' };
}

/** A mismatch of the first cookie keeps it from being replaced; one of the second tells less than that a session has ended. */
function weightOf({ finding, slot }: Candidate): number {
  const kinds = ['unknown', slot === 2 ? 'mismatch' : null, 'ended', 'mismatch', 'replaced'];
  return kinds.indexOf(finding.kind);
}
