import type { Authority } from '../../../domain/session.js';
import type { NewLogin, NewToken, Refused } from '../../../ports/sessions.js';
import { RedisSessions } from '../operations/redis.sessions.js';
import type { RecentChanges } from './recent-changes.js';

/**
 * Records logins and regenerates, to repeat them after a failover; but none by session id alone: its repeat could replace a
 * later token.
 */
export class NotedSessions extends RedisSessions {
  constructor(
    private readonly recent: RecentChanges,
    ...parts: ConstructorParameters<typeof RedisSessions>
  ) {
    super(...parts);
  }

  override async login(
    sessionId: string,
    authority: Authority | null,
    login: NewLogin,
  ): Promise<'done' | 'taken' | 'full' | Refused> {
    const answer = await super.login(sessionId, authority, login);
    if (answer === 'done' && authority !== null)
      // It was granted once: its repeat needs no place.
      this.recent.note(sessionId, { kind: 'login', authority, login: { ...login, maxSessions: 0 } });
    return answer;
  }

  override async regenerate(
    sessionId: string,
    authority: Authority | null,
    token: NewToken,
  ): Promise<'done' | Refused> {
    const answer = await super.regenerate(sessionId, authority, token);
    if (answer === 'done' && authority !== null)
      this.recent.note(sessionId, { kind: 'regenerate', authority, token });
    return answer;
  }
}
