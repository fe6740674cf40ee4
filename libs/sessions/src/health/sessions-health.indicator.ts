import { Inject, Injectable } from '@nestjs/common';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { SessionsCore } from '../core/core.js';
import { SessionsProbe, type SessionsHealth } from './sessions-probe.js';

const FRESH_MS = 1000;

/**
 * The health of the sessions, for Terminus. `down`: the store does not answer, cleanup has not run for two intervals,
 * or the storage is gone or takes no new bytes. `degraded` (HTTP 200): sessions are served, but an operator has to look:
 * something could not be deleted in five tries, a sweep held back, or the files belong to another store. Terminus 11 has
 * no `degraded`: there it is `up`, and only the details differ. Details are fixed words: no path, no text of an error.
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

  /** However often it is asked, it looks once a second. */
  async isHealthy(key = 'sessions'): Promise<HealthIndicatorResult> {
    const health = await this.look();
    const indicator = this.indicators.check(key);
    const { store, cleanup, storage, recovery } = health;
    const isTrusted = storage !== 'untrusted';
    if (store !== 'ok' || cleanup !== 'ok' || (isTrusted && storage !== 'ok')) {
      return indicator.down({ ...health });
    }
    const isWell = isTrusted && recovery === 'ok';
    return isWell || !Reflect.has(indicator, 'degraded')
      ? indicator.up({ ...health })
      : indicator.degraded({ ...health });
  }

  private look(): Promise<SessionsHealth> {
    const now = this.core.clock.monotonic();
    if (!this.latest || now - this.latest.at >= FRESH_MS) {
      this.latest = { at: now, health: this.probe.look() };
    }
    return this.latest.health;
  }
}
