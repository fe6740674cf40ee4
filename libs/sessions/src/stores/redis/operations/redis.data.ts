import type { Authority } from '../../../domain/session.js';
import type { DataChange, DataGroup, DataRead, DataWrite } from '../../../ports/data.js';
import type { Refused } from '../../../ports/sessions.js';
import { ANY_VALUE, NO_VALUE, READ_DATA, WRITE_DATA } from '../scripts/lua/data.scripts.js';
import type { RedisBuckets } from '../buckets/redis.buckets.js';
import { authorityText, pairsOf, sessionOf, textOf, textsOf } from '../buckets/redis.values.js';

type Answer = 'done' | 'changed' | 'too_large' | 'too_many' | Refused;
const ANSWERS: readonly Answer[] = ['done', 'changed', 'too_large', 'too_many', 'stale'];

export class RedisData implements DataGroup {
  constructor(private readonly buckets: RedisBuckets) {}

  async read(sessionId: string, authority: Authority | null): Promise<DataRead | 'stale' | null> {
    const bucket = this.buckets.of(sessionId);
    if (bucket === null) return null;
    const reply = await this.buckets.runIn(READ_DATA, bucket, sessionId, authorityText(authority));
    const [record, ...texts] = textsOf(reply);
    if (record === undefined) return null;
    if (record === 'stale') return record;
    return { session: sessionOf(record), values: [...pairsOf(texts)].map(([key, json]) => ({ key, json })) };
  }

  async write(
    sessionId: string,
    authority: Authority | null,
    { operation, changes, limits }: DataWrite,
  ): Promise<Answer> {
    const bucket = this.buckets.of(sessionId);
    if (bucket === null) return 'gone';
    const answer = textOf(
      await this.buckets.runIn(
        WRITE_DATA,
        bucket,
        sessionId,
        authorityText(authority),
        operation,
        limits.maxBytes,
        limits.maxKeys,
        ...changes.flatMap(argumentsOf),
      ),
    );
    return ANSWERS.find((known) => known === answer) ?? 'gone';
  }
}

function argumentsOf({ key, json, expected }: DataChange): string[] {
  return [key, json ?? NO_VALUE, expected === undefined ? ANY_VALUE : (expected ?? NO_VALUE)];
}
