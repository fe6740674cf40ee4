import type {
  Inspected,
  InspectionCursor,
  InspectionGroup,
  StoreFault,
  StoreFinding,
} from '../../../ports/inspection.js';
import type { RedisBuckets } from '../buckets/redis.buckets.js';
import { numberOf, textsOf } from '../buckets/redis.values.js';
import type { RedisServers } from '../connection/redis.server.js';
import {
  COUNTED_IN,
  LIST_NODE,
  PROCESSES_IN,
  RECOUNT_BUDGET,
} from '../scripts/lua/mending/inspection.scripts.js';
import { INSPECT, MEND_FOUND } from '../scripts/lua/mending/mending.script.js';
import { HASH } from '../scripts/lua/store.scripts.js';
import type { RedisFleet } from './redis.fleet.js';

/** Buckets of one slice. A script on a bucket is of one moment; what lies in several is compared twice, and `recheck` decides. */
const SLICE = 4;
const BUCKET = 'bucket:';
const USAGE = ['sessions', 'resources', 'bytes'];
const ALL = 'all';

type Usages = ReadonlyMap<string, readonly number[]>;

export class RedisInspection implements InspectionGroup {
  /** What follows the buckets. */
  readonly #parts: readonly (() => Promise<StoreFinding[]>)[] = [
    () => this.#budgets(),
    () => this.#processes(),
    () => this.#nodes(),
    () => this.#settings(),
  ];

  constructor(
    private readonly buckets: RedisBuckets,
    private readonly servers: RedisServers,
    private readonly fleet: RedisFleet,
  ) {}

  async check(cursor: InspectionCursor | null, at: number): Promise<Inspected> {
    const first = Number(cursor ?? 0);
    const { all } = this.buckets;
    if (first < all.length) {
      const found: StoreFinding[] = [];
      for (const bucket of all.slice(first, first + SLICE)) found.push(...(await this.#inBucket(bucket, at)));
      return { findings: found, next: String(Math.min(first + SLICE, all.length)) };
    }
    const part = this.#parts[first - all.length];
    return part === undefined
      ? { findings: [], next: null }
      : { findings: await part(), next: String(first + 1) };
  }

  async recheck(finding: StoreFinding, at: number): Promise<StoreFinding | null> {
    const again = await this.#again(finding, at);
    return again.find(({ fault, subject }) => fault === finding.fault && subject === finding.subject) ?? null;
  }

  async repair({ part, fault, subject }: StoreFinding, at: number): Promise<boolean> {
    if (part.startsWith(BUCKET)) {
      const bucket = Number(part.slice(BUCKET.length));
      return numberOf(await this.buckets.runIn(MEND_FOUND, bucket, at, fault, subject)) === 1;
    }
    if (fault === 'budget') return isWrong(await this.#recount(subject, true));
    if (fault === 'unknown-node') return numberOf(await this.#list(subject)) === 1;
    if (fault !== 'unowned' || !(await this.#processes()).some((found) => found.subject === subject))
      return false;
    await this.fleet.giveUp(subject);
    return true;
  }

  async #again({ part, fault, subject }: StoreFinding, at: number): Promise<StoreFinding[]> {
    if (part.startsWith(BUCKET)) return this.#inBucket(Number(part.slice(BUCKET.length)), at);
    if (fault === 'unowned') return this.#processes();
    if (fault === 'unknown-node') return this.#nodes();
    if (fault === 'server-settings') return this.#settings();
    if (fault !== 'budget') return [];
    const counts = await this.#recount(subject, false);
    return isWrong(counts) ? [made('budgets', 'budget', subject, detailOf(counts))] : [];
  }

  async #inBucket(bucket: number, at: number): Promise<StoreFinding[]> {
    const texts = textsOf(await this.buckets.runIn(INSPECT, bucket, at));
    const findings: StoreFinding[] = [];
    for (let index = 0; index + 2 < texts.length; index += 3) {
      const [fault = '', subject = '', detail = ''] = texts.slice(index, index + 3);
      findings.push(made(`${BUCKET}${bucket}`, fault as StoreFault, subject, detail));
    }
    return findings;
  }

  /** On a cluster no limit is kept, and each bucket has a share of its own. A difference that stays the same is none of a moment. */
  async #budgets(): Promise<StoreFinding[]> {
    if (this.buckets.layout.isCluster) return [];
    const first = await this.#differences();
    if (first.size === 0) return [];
    const second = await this.#differences();
    return [...second]
      .filter(([name, counts]) => differenceIn(counts) === differenceIn(first.get(name) ?? []))
      .map(([name, counts]) => made('budgets', 'budget', name, detailOf(counts)));
  }

  /** Kept and counted sessions, resources and bytes, in turn, of each budget where they differ. */
  async #differences(): Promise<Usages> {
    const counted = await this.#counted();
    const [users] = this.buckets.layout.budget('users');
    const listed = textsOf(await this.buckets.members(users ?? ''));
    const names = new Set([...counted.keys(), ...listed.map((user) => `user:${user}`), ALL]);
    const differing = new Map<string, readonly number[]>();
    for (const name of names) {
      const [key = ''] = this.buckets.layout.budget(name);
      const kept = await this.buckets.hash(key);
      const real = counted.get(name) ?? [0, 0, 0];
      const counts = USAGE.flatMap((field, index) => [Number(kept.get(field) ?? 0), real[index] ?? 0]);
      if (isWrong(counts)) differing.set(name, counts);
    }
    return differing;
  }

  async #counted(): Promise<Usages> {
    const sums = new Map<string, readonly number[]>();
    const add = (name: string, usage: readonly number[]): void => {
      const sum = sums.get(name) ?? [0, 0, 0];
      sums.set(
        name,
        sum.map((amount, index) => amount + (usage[index] ?? 0)),
      );
    };
    for (const answer of await this.buckets.askAll(COUNTED_IN, 'counted')) {
      const texts = textsOf(answer);
      for (let index = 0; index + 3 < texts.length; index += 4) {
        const [name = '', ...amounts] = texts.slice(index, index + 4);
        const [, resources = 0, bytes = 0] = amounts.map(Number);
        if (name !== '') add(name, amounts.map(Number));
        add(ALL, [0, resources, bytes]);
      }
    }
    return sums;
  }

  async #recount(name: string, writes: boolean): Promise<number[]> {
    const [beginning = ''] = this.buckets.layout.budget('');
    const keys = this.buckets.layout.keyIn(this.buckets.all, 'counted');
    const args = [beginning, name, writes ? 1 : 0];
    return textsOf(await this.buckets.run(RECOUNT_BUDGET, keys, args)).map(Number);
  }

  async #processes(): Promise<StoreFinding[]> {
    const found = await this.buckets.inAll(async (bucket) =>
      textsOf(await this.buckets.runIn(PROCESSES_IN, bucket)),
    );
    const [live = '', lost = ''] = this.buckets.layout.processes;
    // Those that are struck off, and not freed yet, are freed by the next cleanup.
    const [isLive, isLost] = await Promise.all([this.buckets.hash(live), this.buckets.hash(lost)]);
    return [...new Set(found.flat())]
      .filter((processId) => !isLive.has(processId) && !isLost.has(processId))
      .map((processId) => made('processes', 'unowned', processId, 'uploads, reads or streams'));
  }

  async #nodes(): Promise<StoreFinding[]> {
    const totals = await this.buckets.askAll(HASH, 'totals');
    const files = new Map<string, number>();
    for (const share of totals.map(textsOf)) {
      for (let index = 0; index + 1 < share.length; index += 2) {
        const node = /^node:(.+)$/.exec(share[index] ?? '')?.[1];
        if (node !== undefined) files.set(node, (files.get(node) ?? 0) + Number(share[index + 1]));
      }
    }
    const [, , , nodes = ''] = this.buckets.layout.processes;
    const listed = await this.buckets.hash(nodes);
    return [...files]
      .filter(([node, count]) => count > 0 && !listed.has(node))
      .map(([node, count]) => made('nodes', 'unknown-node', node, `has ${count} files`));
  }

  #list(nodeId: string): Promise<unknown> {
    return this.buckets.run(LIST_NODE, this.buckets.layout.processes, [nodeId]);
  }

  async #settings(): Promise<StoreFinding[]> {
    const faults = await this.servers.faults();
    return faults.map(({ setting, detail }) => made('settings', 'server-settings', setting, detail));
  }
}

function made(part: string, fault: StoreFault, subject: string, detail: string): StoreFinding {
  return { part, fault, subject, detail };
}

/** Of pairs of a kept and a counted number. */
function isWrong(counts: readonly number[]): boolean {
  return counts.some((count, index) => index % 2 === 0 && count !== counts[index + 1]);
}

function differenceIn(counts: readonly number[]): string {
  return USAGE.map((_, index) => (counts[2 * index] ?? 0) - (counts[2 * index + 1] ?? 0)).join();
}

function detailOf(counts: readonly number[]): string {
  return USAGE.map((name, index) => ({ name, kept: counts[2 * index], real: counts[2 * index + 1] }))
    .filter(({ kept, real }) => kept !== real)
    .map(({ name, kept, real }) => `${name} ${kept} instead of ${real}`)
    .join(', ');
}
