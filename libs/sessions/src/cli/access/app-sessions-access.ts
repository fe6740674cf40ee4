import { Inject, Injectable } from '@nestjs/common';
import { SessionsCore } from '../../core/core.js';
import { SessionsAccess } from './sessions-access.js';

/** Uses the core of the application's `SessionsModule`, which connects and closes it. */
@Injectable()
export class AppSessionsAccess extends SessionsAccess {
  constructor(@Inject(SessionsCore) private readonly core: SessionsCore) {
    super();
  }

  override open(): Promise<SessionsCore> {
    return Promise.resolve(this.core);
  }
}
