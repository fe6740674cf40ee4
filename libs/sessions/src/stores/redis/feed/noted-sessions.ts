import type { Refused } from '../../../ports/sessions.js';
import { RedisSessions } from '../operations/redis.sessions.js';
import type { RecentChanges } from './recent-changes.js';

/** Records binds and rotations, to repeat them after a failover. */
export class NotedSessions extends RedisSessions {
  constructor(
    private readonly recent: RecentChanges,
    ...parts: ConstructorParameters<typeof RedisSessions>
  ) {
    super(...parts);
  }

  override async bindUser(sessionId: string, epoch: number, userId: string): Promise<'bound' | Refused> {
    const answer = await super.bindUser(sessionId, epoch, userId);
    if (answer === 'bound') this.recent.note(sessionId, { kind: 'bind', epoch, userId });
    return answer;
  }

  override async rotate(
    sessionId: string,
    epoch: number,
    tokenHash: string,
    at: number,
  ): Promise<'rotated' | Refused> {
    const answer = await super.rotate(sessionId, epoch, tokenHash, at);
    if (answer === 'rotated') this.recent.note(sessionId, { kind: 'rotate', epoch, tokenHash, at });
    return answer;
  }
}
