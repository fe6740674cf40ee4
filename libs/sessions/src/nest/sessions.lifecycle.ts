import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { SessionsCore } from '../core/core.js';

/**
 * Shuts down in two steps, around the close of the HTTP server: first whatever would keep the server open (streams,
 * cleanup), then the store, when no more requests can arrive.
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
