import type { SessionEvents } from '../../domain/events.js';
import type { CoreContext } from '../process/context.js';
import type { EntryBuffer } from './entry-buffer.js';

/** Enters what this process sees happen to sessions: refused resources, tokens that others present; with `requests` also transfers. */
export function recordDeeds(
  { clock, config, events, journal }: Pick<CoreContext, 'clock' | 'config' | 'events' | 'journal'>,
  buffer: EntryBuffer,
): void {
  if (!journal.isOn) return;
  events.on('resource.refused', (refusal: SessionEvents['resource.refused']) => {
    const { sessionId, reason, sizeBytes, limitBytes, quota = null } = refusal;
    if (sessionId === null) return;
    buffer.add(sessionId, { at: clock.now(), kind: 'refused', reason, sizeBytes, limitBytes, quota });
  });
  events.on('session.mismatch', ({ sessionId, property }) => {
    buffer.add(sessionId, { at: clock.now(), kind: 'mismatch', property });
  });
  if (config.journal !== 'requests') return;
  events.on('resource.ready', ({ sessionId, resourceId, type, sizeBytes }) => {
    buffer.add(sessionId, { at: clock.now(), kind: 'placed', resourceId, type, sizeBytes });
  });
  for (const kind of ['upload', 'download', 'stream'] as const) {
    events.on(`${kind}.ended`, ({ sessionId, resourceId, bytes, durationMs, outcome }) => {
      const at = clock.now() - durationMs;
      buffer.add(sessionId, { at, kind, resourceId, bytes, durationMs, outcome });
    });
  }
}
