import type { SessionEventName } from '../../domain/events.js';
import type { SessionEventBus } from './event-bus.js';
import { oneLine, type LogFor } from './log.js';

/** The logged fields of each event, and the logger's name. User ids are not logged: public session ids identify enough. */
const LINES: Readonly<Partial<Record<SessionEventName, { part: string; facts: readonly string[] }>>> = {
  'session.opened': { part: 'SessionService', facts: ['sessionId'] },
  'session.login': { part: 'SessionService', facts: ['sessionId'] },
  'session.regenerated': { part: 'SessionService', facts: ['sessionId'] },
  'session.ended': { part: 'SessionService', facts: ['sessionId', 'reason', 'durationMs'] },
  'session.address-learnt': { part: 'SessionService', facts: ['sessionId', 'family'] },
  'session.mismatch': { part: 'SessionService', facts: ['sessionId', 'property'] },
  'session.refused': { part: 'SessionService', facts: ['reason'] },
  'resource.ready': { part: 'SessionResources', facts: ['sessionId', 'resourceId', 'type', 'sizeBytes'] },
  'resource.evicted': { part: 'SessionResources', facts: ['sessionId', 'resourceId', 'type', 'sizeBytes'] },
  'resource.released': { part: 'SessionResources', facts: ['sessionId', 'resourceId', 'type', 'sizeBytes'] },
  'resource.refused': { part: 'SessionResources', facts: ['sessionId', 'reason'] },
  'cleanup.finished': { part: 'SessionCleanup', facts: ['job', 'items', 'failures', 'durationMs'] },
  'orphans.found': { part: 'SessionCleanup', facts: ['found', 'deleted', 'held'] },
};

/** Logs events at debug level, with one logger for each part, so that each can be enabled alone. */
export function logEvents(events: SessionEventBus, logFor: LogFor): void {
  for (const [name, { part, facts }] of Object.entries(LINES)) {
    const log = logFor(part);
    events.on(name as SessionEventName, (event) => {
      const known = Object.entries(event).filter(([fact]) => facts.includes(fact));
      log.debug(oneLine([name, ...known.map(([fact, value]) => `${fact}=${value}`)].join(' '), 500));
    });
  }
}
