/**
 * All keys of a store. Sessions are spread over buckets; all keys of a bucket share a hash tag, so that a script can change
 * a session and its resources in one slot of a cluster. `{7}` stands for any bucket.
 *
 * Each record of a session is a key with a lifetime: until `KEPT_AFTER_END_MS` after the absolute end, or after the instant until
 * which its tombstone is kept, so that Redis deletes it even if no cleanup ever runs again. The indexes and sums of a bucket do not
 * notice that: `MEND` corrects them.
 *
 * | key                | type   | holds                                                                            |
 * | ------------------ | ------ | -------------------------------------------------------------------------------- |
 * | `{7}:sessions:<id>` | string | the record of a session, JSON                                                   |
 * | `{7}:tokens:<hash>` | string | the session id of a current token                                               |
 * | `{7}:resources:<id>` | string | the record of a resource, JSON                                                 |
 * | `{7}:data:<id>`   | hash   | key → JSON of the data of a session                                              |
 * | `{7}:writes:<operation>` | string | nothing: a write of data was made; expires after `REPEATED_MS`            |
 * | `{7}:opened:<id>` | string | the entry of the opening of a session: one command writes it with its lifetime    |
 * | `{7}:marks:<id>`, `{7}:deeds:<id>`, `{7}:requests:<id>` | list | the rest of its timeline, a list for each class of entries: `number:instant:JSON`, the number from the bucket's counter |
 * | `{7}:replaced`     | hash   | hash of a replaced token → session id; expires a minute after the bucket's last login or regenerate |
 * | `{7}:replaced_at`  | zset   | the same hashes by the instant of the replacement; expires at once with `replaced` |
 * | `{7}:held`         | zset   | `session id:resource id`, in the order of the text                               |
 * | `{7}:overdrawn`   | zset   | overdrawn resources by the instant of the latest attempt to place them              |
 * | `{7}:by_process`  | zset   | `process id:resource id` of what a process brings, reads or streams, same order |
 * | `{7}:idle`         | zset   | open sessions by their idle end                                                  |
 * | `{7}:expiry`       | zset   | open sessions by their absolute end                                              |
 * | `{7}:created`      | zset   | open sessions by their opening                                                   |
 * | `{7}:activity`     | zset   | open sessions by their last activity                                             |
 * | `{7}:evictable`    | zset   | open sessions that may be evicted, by rank and last activity (see `eviction_score`) |
 * | `{7}:bytes`        | zset   | open sessions by the bytes of their files                                        |
 * | `{7}:files`        | zset   | open sessions with files by their number                                         |
 * | `{7}:streams`      | zset   | open sessions with streams by their number                                       |
 * | `{7}:ending`       | zset   | `node id:lease:session id` of the ends that nodes have a part in, in the order of the text |
 * | `{7}:ended`        | zset   | sessions that are over, and ended with a time that they are kept, by the instant of their end |
 * | `{7}:tombstones`   | zset   | ended sessions by the instant until which they are kept                          |
 * | `{7}:changes`      | zset   | every session by the number of its latest change                                 |
 * | `{7}:releasing`    | zset   | `node id:lease:resource id` of resources being released, same order              |
 * | `{7}:timelines`    | zset   | sessions with a timeline by their opening                                        |
 * | `{7}:timelines:batch:<process>` | string | number of the latest entries that a process has sent; expires after an hour |
 * | `{7}:requested`    | zset   | those of them with entries of requests                                           |
 * | `{7}:hashes`       | zset   | `hash of a user:session id`, in the order of the text                            |
 * | `{7}:audit`        | zset   | `number and bucket:JSON` of the ends by operators, by instant; expires after `AUDIT_MS` |
 * | `{7}:totals`       | hash   | the bucket's change counter, newest instant, share of the totals, its number of files on each node, and of its timelines and its audit the latest number and the bytes |
 * | `{7}:counted`      | hash   | id of an open session → `resources:bytes:name` of what it counts for, and the budget that counts it |
 * | `budgets:user:<id>`, `budgets:network:<network>`, `budgets:all` | hash | sessions, resources and bytes that count for a user, a network without users, all |
 * | `budgets:users`    | zset   | users with open sessions, in the order of their ids                               |
 * | `budgets:evictable:<network>` | zset | what `evictable` has of the sessions of a network                         |
 * | `trends:<span>:<start>` | hash | counts of a minute, an hour or a day, by name; expires a day after its time        |
 * | `trends:points:<span>` | zset | the beginnings of these, by themselves                                            |
 * | `trends:batch:<process>` | string | number of the latest counts that a process has sent; expires after two days  |
 * | `store`            | hash   | generation, layout, number of buckets and key of the journal; while it is migrated, the layout it comes from |
 * | `{processes}:live` | hash   | process id → its latest heartbeat, JSON                                         |
 * | `{processes}:lost` | hash   | process id → start of striking it off                                           |
 * | `{processes}:seen` | string | the newest instant of a heartbeat                                                |
 * | `{processes}:nodes` | hash  | node id → its address and last heartbeat, JSON                                   |
 * | `{processes}:clock` | hash   | edition of the clock, and the instant until which it is in doubt                 |
 * | `{counts}:taken`   | hash   | number of sessions that are open or about to be, and the reserved and closed ones of each bucket |
 * | `{counts}:pending` | zset   | counted sessions that may not be open yet, by the instant of the reservation     |
 * | `{counts}:openings:<network>` | string | the ring of its openings (see `RateRing`), JSON: newest slot, counts; expires when it is empty |
 * | `{counts}:provisional:<network>` | zset | its open sessions whose cookie never came back, holding nothing, by their idle end; expires with the last |
 * | `{audit}:deeds`, `{audit}:totals` | zset, hash | what operators did beside the ends, like `{7}:audit`; its number and bytes; expire after `AUDIT_MS` |
 * | `{audit}:wrong`    | zset   | `minute:network` of wrong admin tokens, by minute; expires after `AUDIT_MS`      |
 * | `{audit}:wrong_counts` | hash | the same → their number; expires at once with `wrong`                           |
 * | `rate:<key>`       | string | what `countRate` remembers of a key, JSON; expires when nothing of it counts any more |
 * | `job:idle` …       | hash   | the latest run of a job, and the sums of all                                     |
 * | `failures:<node>`  | hash   | item that a cleanup of the node could not finish → `tries:instant of the next one`; lives a week from the latest failure |
 * | `user:<sha256>`    | set    | ids of sessions that are, or are about to be, this user's: verified on read; lives as long as the longest of them |
 *
 * On a cluster each bucket has budgets and trends of its own, `{7}:budgets:…`, `{7}:trends:…`: a user's usage is their sum, and no
 * limit is kept.
 *
 * The channel `changes`, with the prefix of the keys, carries an empty message for each end, login and regenerate.
 *
 * A lease in a member has 16 digits, so that the members of a node sort by lease. The node id is `-` for streams, and for
 * ends of sessions without files.
 */
export const BUCKET_KEYS = [
  'sessions',
  'tokens',
  'replaced',
  'replaced_at',
  'resources',
  'data',
  'writes',
  'opened',
  'marks',
  'deeds',
  'requests',
  'held',
  'overdrawn',
  'by_process',
  'idle',
  'expiry',
  'created',
  'activity',
  'evictable',
  'bytes',
  'files',
  'streams',
  'ending',
  'ended',
  'tombstones',
  'changes',
  'releasing',
  'timelines',
  'requested',
  'hashes',
  'audit',
  'totals',
  'counted',
  'budgets',
  'trends',
] as const;
export type BucketKey = (typeof BUCKET_KEYS)[number];

/** Not keys but their beginnings: an id or a hash follows, and each record is a key. */
const RECORD_KEYS = [
  'sessions',
  'tokens',
  'resources',
  'data',
  'writes',
  'opened',
  'marks',
  'deeds',
  'requests',
] as const satisfies readonly BucketKey[];
export type RecordKey = (typeof RECORD_KEYS)[number];
/** Beginnings of keys that lie together on one server, and in each bucket on a cluster. */
const TOGETHER: readonly BucketKey[] = ['budgets', 'trends'];
const BEGINNINGS: ReadonlySet<BucketKey> = new Set([...RECORD_KEYS, ...TOGETHER]);

/** How long the records of a session outlive its absolute end, unless a cleanup deletes them sooner. */
export const KEPT_AFTER_END_MS = 7 * 24 * 3_600_000;

/** How long the indexes of a bucket, which hold ids and numbers alone, outlive the last cleanup: longer than any session. */
export const KEPT_UNTENDED_MS = 400 * 24 * 3_600_000;

/** How long a budget outlives its last session that began, or login: longer than that session. */
export const BUDGET_KEPT_MS = KEPT_UNTENDED_MS + KEPT_AFTER_END_MS;

/** The name of the channel without the prefix. */
export const CHANGES_CHANNEL = 'changes';

/** The layout of the first release. After it, each change is a new entry of `MIGRATIONS`. */
export const FIRST_LAYOUT = 13;

/** Builds the keys of one store. */
export class RedisLayout {
  constructor(
    readonly prefix: string,
    readonly buckets: number,
    readonly isCluster = false,
  ) {}

  keysIn(bucket: number, keys: readonly BucketKey[]): string[] {
    return keys.map((key) => this.key(bucket, key));
  }

  keyIn(buckets: readonly number[], key: BucketKey): string[] {
    return buckets.map((bucket) => this.key(bucket, key));
  }

  key(bucket: number, key: BucketKey): string {
    if (TOGETHER.includes(key) && !this.isCluster) return `${this.prefix}${key}:`;
    return `${this.prefix}{${bucket}}:${key}${BEGINNINGS.has(key) ? ':' : ''}`;
  }

  record(bucket: number, key: RecordKey, id: string): string {
    return `${this.key(bucket, key)}${id}`;
  }

  /** The keys of a budget: one, or on a cluster one in each bucket. */
  budget(name: string): readonly string[] {
    const all = this.isCluster ? Array.from({ length: this.buckets }, (_, bucket) => bucket) : [0];
    return this.keyIn(all, 'budgets').map((beginning) => beginning + name);
  }

  get store(): string {
    return `${this.prefix}store`;
  }

  get changes(): string {
    return `${this.prefix}${CHANGES_CHANNEL}`;
  }

  get processes(): readonly string[] {
    return ['live', 'lost', 'seen', 'nodes', 'clock'].map((name) => `${this.prefix}{processes}:${name}`);
  }

  get counts(): readonly string[] {
    return ['taken', 'pending'].map((name) => `${this.prefix}{counts}:${name}`);
  }

  /** The keys of a network, which the script of an opening reads together with those of `counts`; on one server with its budget. */
  network(network: string): readonly string[] {
    const counts = [`${this.prefix}{counts}:openings:${network}`, this.provisional(network)];
    return this.isCluster ? counts : [...counts, ...this.budget(`network:${network}`)];
  }

  provisional(network: string): string {
    return `${this.prefix}{counts}:provisional:${network}`;
  }

  /** Of the audit of what has no session: deeds, totals, wrong tokens, their counts. */
  get audit(): readonly string[] {
    return ['deeds', 'totals', 'wrong', 'wrong_counts'].map((name) => `${this.prefix}{audit}:${name}`);
  }

  rate(key: string): string {
    return `${this.prefix}rate:${key}`;
  }

  job(job: string): string {
    return `${this.prefix}job:${job}`;
  }

  failures(nodeId: string): string {
    return `${this.prefix}failures:${nodeId}`;
  }

  user(userHash: string): string {
    return `${this.prefix}user:${userHash}`;
  }
}
