import { Inject, Injectable } from '@nestjs/common';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { SessionsCore } from '../core/core.js';
import { SessionsProbe, type SessionsHealth } from './sessions-probe.js';

const CACHE_MS = 1000;

/**
 * Terminus indicator of the sessions. `down`: the store does not answer or takes no new session, its database is damaged,
 * deleted or replaced, a cleanup job did not succeed for two intervals, or the storage is missing or cannot be written.
 * One failed or slow call is not `down`. `degraded` (HTTP 200): sessions are served, but an operator has to act: a
 * deletion failed five times, a sweep found too many orphans, the files belong to another store, or the clock is in doubt
 * or wrong. Terminus 11 has no `degraded`: the status is `up`, and only the details differ. Details are fixed words, without
 * paths or error texts.
 */
@Injectable()
export class SessionsHealthIndicator {
  private readonly probe: SessionsProbe;
  private latest: { readonly at: number; readonly health: Promise<SessionsHealth> } | undefined;

  constructor(
    @Inject(HealthIndicatorService) private readonly indicators: HealthIndicatorService,
    @Inject(SessionsCore) private readonly core: SessionsCore,
  ) {
    this.probe = new SessionsProbe(core);
  }

  /** Checks at most once a second; calls in between get the same result. */
  async isHealthy(key = 'sessions'): Promise<HealthIndicatorResult> {
    const health = await this.check();
    const indicator = this.indicators.check(key);
    const { store, cleanup, storage, recovery, clock } = health;
    const isTrusted = storage !== 'untrusted';
    if (store !== 'ok' || cleanup !== 'ok' || (isTrusted && storage !== 'ok')) {
      return indicator.down({ ...health });
    }
    const isWell = isTrusted && recovery === 'ok' && clock === 'ok';
    return isWell || !Reflect.has(indicator, 'degraded')
      ? indicator.up({ ...health })
      : indicator.degraded({ ...health });
  }

  private check(): Promise<SessionsHealth> {
    const now = this.core.clock.monotonic();
    if (!this.latest || now - this.latest.at >= CACHE_MS) {
      this.latest = { at: now, health: this.probe.check() };
    }
    return this.latest.health;
  }
}
