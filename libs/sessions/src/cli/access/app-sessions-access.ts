import { Inject, Injectable } from '@nestjs/common';
import type { SessionsConfig } from '../../core/config/config.js';
import { SessionsCore } from '../../core/core.js';
import { SESSIONS_CONFIG } from '../../core/config/tokens.js';
import { Clock } from '../../ports/clock.js';
import { SessionsAccess, type OpenSessions } from './sessions-access.js';

/** Within an application: its `SessionsModule` has connected already, and closes with the application. */
@Injectable()
export class AppSessionsAccess extends SessionsAccess {
  constructor(
    @Inject(SessionsCore) private readonly core: SessionsCore,
    @Inject(SESSIONS_CONFIG) private readonly config: SessionsConfig,
    @Inject(Clock) private readonly clock: Clock,
  ) {
    super();
  }

  override open(): Promise<OpenSessions> {
    return Promise.resolve({ core: this.core, config: this.config, clock: this.clock });
  }
}
