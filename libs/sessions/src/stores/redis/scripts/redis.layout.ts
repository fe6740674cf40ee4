/**
 * Where everything lies. Sessions are spread over buckets; all keys of one bucket share a hash tag, so that a script that
 * changes a session with all that belongs to it stays in one slot of a cluster. `{7}` stands for any bucket.
 *
 * | key                | type   | holds                                                                            |
 * | ------------------ | ------ | -------------------------------------------------------------------------------- |
 * | `{7}:sessions`     | hash   | session id → its record, JSON                                                    |
 * | `{7}:tokens`       | hash   | hash of a current token → session id                                             |
 * | `{7}:old_tokens`   | hash   | hash of the token before it → session id                                         |
 * | `{7}:resources`    | hash   | resource id → its record, JSON                                                   |
 * | `{7}:held`         | zset   | `session id:resource id`, in the order of the text                               |
 * | `{7}:by_process`  | zset   | `process id:resource id` of what a process writes, reads or streams, likewise   |
 * | `{7}:idle`         | zset   | open sessions by their idle end                                                  |
 * | `{7}:expiry`       | zset   | open sessions by their absolute end                                              |
 * | `{7}:created`      | zset   | open sessions by their opening                                                   |
 * | `{7}:activity`     | zset   | open sessions by their last activity                                             |
 * | `{7}:disposable`   | zset   | open sessions with neither resource nor user, by their last activity             |
 * | `{7}:ending`       | zset   | `node id:lease:session id` of the ends that nodes have a part in, in the order of the text |
 * | `{7}:tombstones`   | zset   | ended sessions by their absolute end                                             |
 * | `{7}:changes`      | zset   | every session by the number of its latest change                                 |
 * | `{7}:releasing`    | zset   | `node id:lease:resource id` of what is being released, likewise                  |
 * | `{7}:totals`       | hash   | the bucket's change counter, what it saw, its share of the totals, and how many files of it each node holds |
 * | `store`            | hash   | generation, layout and number of buckets                                         |
 * | `{processes}:live` | hash   | process id → its latest heartbeat, JSON                                         |
 * | `{processes}:lost` | hash   | process id → since when it is being struck off                                  |
 * | `{processes}:seen` | string | the newest instant of a heartbeat                                                |
 * | `{processes}:nodes` | hash  | node id → its address and when it was seen last, JSON                            |
 * | `{counts}:taken`   | hash   | how many sessions are open or about to be, and what each bucket reserved and closed |
 * | `{counts}:pending` | zset   | sessions that are counted and may not be open yet, by the instant of asking      |
 * | `job:idle` …       | hash   | the latest run of a job, and the sums of all                                     |
 * | `user:<sha256>`    | set    | ids of sessions that are, were or are about to be this user's: verified on read  |
 *
 * On the channel `changes`, under the prefix like the keys, an empty message says that a session was ended, rotated or bound.
 *
 * A lease in a text has 16 digits, so that the order of the texts of one node is that of its leases. The node id is `-`
 * where there is none: of streams, and of ends that no node has files for.
 */
export const BUCKET_KEYS = [
  'sessions',
  'tokens',
  'old_tokens',
  'resources',
  'held',
  'by_process',
  'idle',
  'expiry',
  'created',
  'activity',
  'disposable',
  'ending',
  'tombstones',
  'changes',
  'releasing',
  'totals',
] as const;
export type BucketKey = (typeof BUCKET_KEYS)[number];

/** The channel's name, after the prefix. */
export const CHANGES_CHANNEL = 'changes';

/** What the layout above is called in the store. Another one is refused. */
export const LAYOUT = '3';

/** Names the keys of one store. */
export class RedisLayout {
  constructor(
    readonly prefix: string,
    readonly buckets: number,
  ) {}

  keysIn(bucket: number, keys: readonly BucketKey[]): string[] {
    return keys.map((key) => this.key(bucket, key));
  }

  keyIn(buckets: readonly number[], key: BucketKey): string[] {
    return buckets.map((bucket) => this.key(bucket, key));
  }

  key(bucket: number, key: BucketKey): string {
    return `${this.prefix}{${bucket}}:${key}`;
  }

  get store(): string {
    return `${this.prefix}store`;
  }

  get changes(): string {
    return `${this.prefix}${CHANGES_CHANNEL}`;
  }

  get processes(): readonly string[] {
    return ['live', 'lost', 'seen', 'nodes'].map((name) => `${this.prefix}{processes}:${name}`);
  }

  get counts(): readonly string[] {
    return ['taken', 'pending'].map((name) => `${this.prefix}{counts}:${name}`);
  }

  job(job: string): string {
    return `${this.prefix}job:${job}`;
  }

  user(userHash: string): string {
    return `${this.prefix}user:${userHash}`;
  }
}
