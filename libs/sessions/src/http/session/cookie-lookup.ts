import type { SessionsConfig } from '../../core/config/config.js';
import type { SessionsCore } from '../../core/core.js';
import type { Finding } from '../../core/sessions/session-finder.js';
import type { Client } from '../../domain/binding.js';
import type { RefusalReason } from '../../domain/events.js';
import type { PlatformRequest } from '../platform-message.js';
import type { SessionCookie } from './session-cookie.js';

/** What a request's cookie stands for; `absent`: it has none of ours. */
export type Presented = Finding | { readonly kind: 'absent' };

const REFUSALS: Partial<Record<Presented['kind'], RefusalReason>> = {
  unknown: 'unknown_token',
  ended: 'ended_token',
  replaced: 'rotated_token',
  mismatch: 'mismatch',
};

/** Looks up the session that a request, or an upgrade, presents, and tells of every token that is not accepted. */
export class CookieLookup {
  constructor(
    private readonly core: SessionsCore,
    private readonly cookie: SessionCookie,
    private readonly onMismatch: SessionsConfig['onMismatch'],
  ) {}

  /** At once where it is known without asking the store. Rejects with `STORE_UNAVAILABLE`. */
  find(request: PlatformRequest, client: Client, isSecure: boolean): Presented | Promise<Presented> {
    const [token, ...others] = this.cookie.read(request, isSecure);
    if (token === undefined) return { kind: 'absent' };
    // Of two tokens nobody can say which is the user's: neither is looked at.
    if (others.length > 0) return this.tell({ kind: 'unknown' });
    const finding = this.core.finder.identify(token, client);
    return !(finding instanceof Promise) && finding.kind === 'live' ? finding : this.tell(finding);
  }

  private async tell(finding: Finding | Promise<Finding>): Promise<Presented> {
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
