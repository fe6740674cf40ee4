import type { SessionEventName } from '../../domain/events.js';
import type { SessionEventBus } from './event-bus.js';
import { oneLine, type LogFor } from './log.js';

interface Line {
  readonly part: string;
  readonly facts: readonly string[];
  /** Whether it is logged at the default level, not only for debugging. Default: no. */
  readonly isForOperators?: (event: Readonly<Record<string, unknown>>) => boolean;
}

/** The logged fields of each event, and the logger's name. User ids are not logged: public session ids identify enough. */
const LINES: Readonly<Partial<Record<SessionEventName, Line>>> = {
  'session.opened': { part: 'SessionService', facts: ['sessionId'] },
  'session.login': { part: 'SessionService', facts: ['sessionId'] },
  'session.regenerated': { part: 'SessionService', facts: ['sessionId'] },
  'session.ended': {
    part: 'SessionService',
    facts: ['sessionId', 'reason', 'durationMs'],
    isForOperators: (event) => event['reason'] === 'admin',
  },
  'session.address-learnt': { part: 'SessionService', facts: ['sessionId', 'family'] },
  'session.mismatch': { part: 'SessionService', facts: ['sessionId', 'property'] },
  'session.refused': { part: 'SessionService', facts: ['reason'] },
  'resource.ready': { part: 'SessionResources', facts: ['sessionId', 'resourceId', 'type', 'sizeBytes'] },
  'resource.evicted': {
    part: 'SessionResources',
    facts: ['sessionId', 'resourceId', 'type', 'sizeBytes'],
    isForOperators: () => true,
  },
  'resource.released': { part: 'SessionResources', facts: ['sessionId', 'resourceId', 'type', 'sizeBytes'] },
  'resource.refused': { part: 'SessionResources', facts: ['sessionId', 'reason', 'sizeBytes'] },
  'cleanup.finished': { part: 'SessionCleanup', facts: ['job', 'items', 'failures', 'durationMs'] },
  'orphans.found': { part: 'SessionCleanup', facts: ['found', 'deleted', 'held'] },
};

/**
 * Logs events, with one logger for each part, so that each can be enabled alone: what operators did and what was evicted at the
 * default level, what every visitor does at debug level.
 */
export function logEvents(events: SessionEventBus, logFor: LogFor): void {
  for (const [name, { part, facts, isForOperators }] of Object.entries(LINES)) {
    const log = logFor(part);
    events.on(name as SessionEventName, (event) => {
      const known = Object.entries(event).filter(([fact]) => facts.includes(fact));
      const line = oneLine([name, ...known.map(([fact, value]) => `${fact}=${value}`)].join(' '), 500);
      if (isForOperators?.({ ...event })) log.log(line);
      else log.debug(line);
    });
  }
}
