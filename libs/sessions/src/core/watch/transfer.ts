import { hasCode } from '../../domain/errors.js';
import type { TransferKind, TransferOutcome } from '../../domain/events.js';
import type { Clock } from '../../ports/clock.js';
import type { SessionEventBus } from './event-bus.js';

/** Bytes on their way in or out, or a stream, from its beginning; tells of its end once. */
export class Transfer {
  /** Bytes so far; `null` if nobody counts them. */
  bytes: number | null = null;
  private readonly began: number;
  private isOver = false;

  constructor(
    private readonly parts: { readonly clock: Clock; readonly events: SessionEventBus },
    private readonly kind: TransferKind,
    private readonly sessionId: string,
  ) {
    this.began = parts.clock.monotonic();
  }

  /** Only the first call counts. */
  end(resourceId: string, outcome: TransferOutcome): void {
    if (this.isOver) return;
    this.isOver = true;
    const { bytes, sessionId } = this;
    const durationMs = Math.round(this.parts.clock.monotonic() - this.began);
    this.parts.events.emit(`${this.kind}.ended`, { sessionId, resourceId, bytes, durationMs, outcome });
  }
}

/** How a transfer ended that failed with this error. */
export function outcomeOf(error: unknown): TransferOutcome {
  if (hasCode(error, 'SESSION_GONE') || hasCode(error, 'SESSION_STALE')) return 'cut_off';
  return hasCode(error, 'UPLOAD_ABORTED') ? 'aborted' : 'failed';
}
