import type { SessionEventBus } from '../../../core/watch/event-bus.js';
import { Transfer } from '../../../core/watch/transfer.js';
import type { Clock } from '../../../ports/clock.js';

const EVERY_MS = 250;

/** Emits `upload.progress` for one request, if anybody listens; begins the transfers of its files. */
export class UploadProgress {
  private receivedBytes = 0;
  private resourceId: string | null = null;
  private emittedAt: number;

  constructor(
    readonly events: SessionEventBus,
    readonly clock: Clock,
    private readonly sessionId: string,
    /** The declared length of the body; `null` if the client declared none. */
    private readonly totalBytes: number | null,
  ) {
    this.emittedAt = clock.monotonic();
  }

  /** The bytes that arrive from now on are of this file. */
  begin(resourceId: string): Transfer {
    this.resourceId = resourceId;
    return new Transfer(this, 'upload', this.sessionId);
  }

  /** So many more bytes of the body have arrived. */
  add(bytes: number): void {
    this.receivedBytes += bytes;
    if (!this.events.hasListeners('upload.progress')) return;
    const now = this.clock.monotonic();
    if (now - this.emittedAt < EVERY_MS) return;
    this.emittedAt = now;
    this.emit();
  }

  /** The whole body is there. */
  complete(): void {
    this.emit();
  }

  private emit(): void {
    const { sessionId, resourceId, receivedBytes, totalBytes } = this;
    if (resourceId === null) return;
    this.events.emit('upload.progress', { sessionId, resourceId, receivedBytes, totalBytes });
  }
}
