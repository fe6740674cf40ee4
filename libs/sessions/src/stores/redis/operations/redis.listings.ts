import type { SessionRecord } from '../../../domain/session.js';
import type { SessionQuery } from '../../../ports/session-store.js';
import { compare, entriesOf, type Entry, type RedisBuckets } from './redis.buckets.js';
import type { RedisEndings } from './redis.endings.js';
import { PAGE } from '../scripts/redis.scripts.listings.js';
import { OF_USER } from '../scripts/redis.scripts.store.js';
import type { RedisSessions } from './redis.sessions.js';
import { textsOf } from './redis.values.js';

/** Pages of open sessions, for people. */
export class RedisListings {
  constructor(
    private readonly buckets: RedisBuckets,
    private readonly sessions: RedisSessions,
    private readonly endings: RedisEndings,
  ) {}

  list(query: SessionQuery): Promise<SessionRecord[]> {
    return query.userId === undefined ? this.#listAll(query) : this.#listOf(query.userId, query);
  }

  async #listAll({ limit, sort, after }: SessionQuery): Promise<SessionRecord[]> {
    const key = sort.endsWith('created_at') ? 'created' : 'activity';
    const direction = sort.startsWith('-') ? 'desc' : 'asc';
    const from = after === undefined ? [] : [after.instant, after.id];
    const order = orderOf(sort);
    const entries = await this.buckets.merge(limit, order, async (buckets, count) => {
      const pages = await this.buckets.askIn(buckets, PAGE, key, count, direction, ...from);
      return pages.map((found) => entriesOf(found).toSorted(order));
    });
    return this.endings.loadOpen(entries.map(({ id }) => id));
  }

  /** A user has few sessions: all are looked at, and ids that are out of date are struck off on the way. */
  async #listOf(userId: string, { limit, sort, after }: SessionQuery): Promise<SessionRecord[]> {
    const ids = textsOf(await this.buckets.run(OF_USER, [this.sessions.userKey(userId)], []));
    const open = await this.endings.loadOpen(ids);
    const alive = new Set(open.map(({ id }) => id));
    const over = ids.filter((id) => !alive.has(id));
    if (over.length > 0) await this.sessions.forgetUser(userId, over);

    const order = orderOf(sort);
    const entryOf = (session: SessionRecord): Entry => ({
      id: session.id,
      score: sort.endsWith('created_at') ? session.createdAt : session.lastActivityAt,
    });
    const last = after && { id: after.id, score: after.instant };
    return open
      .filter((session) => session.userId === userId && (!last || order(entryOf(session), last) > 0))
      .toSorted((a, b) => order(entryOf(a), entryOf(b)))
      .slice(0, limit);
  }
}

/** Ties are in the order of the ids, whatever the direction. */
function orderOf(sort: string): (a: Entry, b: Entry) => number {
  const sign = sort.startsWith('-') ? -1 : 1;
  return (a, b) => sign * (a.score - b.score) || compare(a.id, b.id);
}
