import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { SessionsCore } from '../core/core.js';

/**
 * Goes down in two steps, around the closing of the HTTP server: first what would keep it open (streams, cleanup), and
 * last, when no request can come any more, the store.
 */
@Injectable()
export class SessionsLifecycle implements BeforeApplicationShutdown, OnApplicationShutdown {
  constructor(@Inject(SessionsCore) private readonly core: SessionsCore) {}

  beforeApplicationShutdown(): Promise<void> {
    return this.core.quiesce();
  }

  onApplicationShutdown(): Promise<void> {
    return this.core.stop();
  }
}
