import type { SessionsError } from '../../domain/errors.js';
import type { Registered } from '../process/live-connections.js';
import { lostFile } from './refused.js';

/** A file that this process writes. It cannot be registered again: others may have deleted what there was. */
export class WrittenFile implements Registered {
  isReserved = false;

  constructor(
    readonly resourceId: string,
    private readonly fail: (error: SessionsError) => void,
  ) {}

  restore(): Promise<void> {
    if (!this.isReserved) return Promise.resolve();
    const error = lostFile();
    this.fail(error);
    return Promise.reject(error);
  }
}
