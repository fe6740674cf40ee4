import { Inject, Injectable } from '@nestjs/common';
import { SessionsCore } from '../../core/core.js';
import { SessionsAccess } from './sessions-access.js';

/** Within an application: its `SessionsModule` has connected already, and closes with the application. */
@Injectable()
export class AppSessionsAccess extends SessionsAccess {
  constructor(@Inject(SessionsCore) private readonly core: SessionsCore) {
    super();
  }

  override open(): Promise<SessionsCore> {
    return Promise.resolve(this.core);
  }
}
