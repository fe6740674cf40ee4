import type { SessionsConfig } from '../../core/config/config.js';
import type { SessionsCore } from '../../core/core.js';
import type { Finding } from '../../core/sessions/session-finder.js';
import type { Client } from '../../domain/binding.js';
import type { RefusalReason } from '../../domain/events.js';
import type { PlatformRequest } from '../platform-message.js';
import type { SessionCookie } from './session-cookie.js';

/** The result of looking up a request's cookie; `absent`: the request has no session cookie. */
export type Presented = Finding | { readonly kind: 'absent' };

const REFUSALS: Partial<Record<Presented['kind'], RefusalReason>> = {
  unknown: 'unknown_token',
  ended: 'ended_token',
  replaced: 'replaced_token',
  mismatch: 'mismatch',
};

/** Looks up the session of a request or upgrade by its cookie. Emits an event for every token that it refuses. */
export class CookieLookup {
  constructor(
    private readonly core: SessionsCore,
    private readonly cookie: SessionCookie,
    private readonly onMismatch: SessionsConfig['onMismatch'],
  ) {}

  /** Synchronous if the process knows the answer without the store. Rejects with `STORE_UNAVAILABLE`. */
  find(request: PlatformRequest, client: Client, isSecure: boolean): Presented | Promise<Presented> {
    const [token, ...others] = this.cookie.read(request, isSecure);
    if (token === undefined) return { kind: 'absent' };
    // Nothing shows which of several tokens is the user's: look up none.
    if (others.length > 0) return this.report({ kind: 'unknown' });
    const finding = this.core.finder.identify(token, client);
    return !(finding instanceof Promise) && finding.kind === 'live' ? finding : this.report(finding);
  }

  private async report(finding: Finding | Promise<Finding>): Promise<Presented> {
    const presented = await finding;
    const { events, service } = this.core;
    if (presented.kind === 'mismatch') {
      const { id: sessionId } = presented.record;
      events.emit('session.mismatch', { sessionId, property: presented.property });
      if (this.onMismatch === 'end') await service.end({ id: sessionId });
    }
    const refusal = REFUSALS[presented.kind];
    if (refusal) events.emit('session.refused', { reason: refusal });
    return presented;
  }
}
