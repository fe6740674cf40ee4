import type { EndCondition } from '../../../domain/lifetime.js';
import type { BeginEnd, EndingSession } from '../../../ports/endings.js';
import { RedisEndings } from '../operations/redis.endings.js';
import type { RecentChanges } from './recent-changes.js';

/** Records ends, to repeat them after a failover. */
export class NotedEndings extends RedisEndings {
  constructor(
    private readonly recent: RecentChanges,
    ...parts: ConstructorParameters<typeof RedisEndings>
  ) {
    super(...parts);
  }

  override async beginEnd(
    sessionId: string,
    end: BeginEnd,
    only?: EndCondition,
  ): Promise<EndingSession | null> {
    const session = await super.beginEnd(sessionId, end, only);
    if (session) this.recent.note(sessionId, { kind: 'end', end });
    return session;
  }
}
