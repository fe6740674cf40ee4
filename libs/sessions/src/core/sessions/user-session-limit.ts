import { whyOver } from '../../domain/lifetime.js';
import type { NewLogin } from '../../ports/sessions.js';
import { labelOf } from '../config/options.js';
import type { Ender } from '../endings/ender.js';
import { limitOf } from '../handles/actor-of.js';
import type { CoreContext } from '../process/context.js';
import { oneLine } from '../watch/log.js';
import { MinuteLog } from '../watch/minute-log.js';

/** Of a login that races others of the same user. */
const MOST_ATTEMPTS = 8;
const ENDED_AT_ONCE = 256;

/** Makes room for a login of a user who has the most sessions that a user may have. */
export class UserSessionLimit {
  private readonly minuteLog: MinuteLog;

  constructor(
    private readonly context: CoreContext,
    private readonly ender: Ender,
  ) {
    this.minuteLog = new MinuteLog(context.clock, context.log);
  }

  /** Answers what `login` does. While that is `full`, and the oldest sessions give way, ends these and tries again. */
  async within<Answer extends string>(
    sessionId: string,
    { userId, maxSessions }: NewLogin,
    login: () => Promise<Answer>,
  ): Promise<Answer> {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
      const answer = await login();
      if (answer !== 'full') return answer;
      if (this.context.config.onUserLimit === 'refuse') {
        this.warnOfRefusal(userId);
        return answer;
      }
      await this.endOldest(userId, sessionId, maxSessions ?? 0);
    }
    return login();
  }

  private warnOfRefusal(userId: string): void {
    const { maxSessionsPerUser } = this.context.config;
    this.minuteLog.warn(
      'maxSessionsPerUser',
      () =>
        `A login of user ${oneLine(userId, 80)} was refused: ${labelOf('maxSessionsPerUser')} is ${maxSessionsPerUser}.`,
    );
  }

  /**
   * Ends as many of the user's sessions that one more has a place: those that are over first, then those that were opened first. None,
   * if others made room meanwhile.
   */
  private async endOldest(userId: string, except: string, maxSessions: number): Promise<void> {
    const { clock, store } = this.context;
    const { sessions } = await store.budgets.ofUser(userId);
    const surplus = sessions - maxSessions + 1;
    if (surplus <= 0) return;
    const query = { filter: { userId }, sort: 'created_at', limit: surplus + maxSessions } as const;
    const listed = await store.sessions.list(query);
    const others = listed.sessions.filter(({ id }) => id !== except);
    const over = others.filter((session) => whyOver(session, clock.now()) !== null);
    const rest = others.filter((session) => !over.includes(session));
    const due = [...over, ...rest].slice(0, surplus);
    const by = limitOf('maxSessionsPerUser');
    for (let start = 0; start < due.length; start += ENDED_AT_ONCE) {
      const some = due.slice(start, start + ENDED_AT_ONCE);
      await Promise.all(some.map(({ id }) => this.ender.end(id, 'evicted', { by })));
    }
  }
}
