import { CLEANUP_JOBS } from '../../../domain/events.js';
import { compareIds } from '../../../domain/ids.js';
import { oldestFirst, type ResourceRecord } from '../../../domain/resource.js';
import { totalReleased, type Released } from '../../../ports/endings.js';
import type { FleetGroup, Heartbeat, NodeRecord } from '../../../ports/fleet.js';
import type { RedisBuckets } from '../buckets/redis.buckets.js';
import { FORGET_ENDS, FORGET_FILES, USERS_OF_ENDS } from '../scripts/lua/endings.scripts.js';
import { ABANDON, HELD } from '../scripts/lua/releases.scripts.js';
import {
  FIELDS,
  FORGET_FAILURES,
  FORGET_LOST,
  FORGET_NODE,
  FORGET_TROUBLE,
  HEARTBEAT,
  STRIKE_OFF,
} from '../scripts/lua/store.scripts.js';
import { numberOf, pairsOf, resourceOf, textOfRecord, textsOf } from '../buckets/redis.values.js';
import type { UserIndex } from '../buckets/user-index.js';

const PAGE = 200;

/** The stored record of a node. */
interface StoredNode {
  readonly address?: string;
  readonly lastSeenAt: number;
}

export class RedisFleet implements FleetGroup {
  readonly #keys: readonly string[];

  constructor(
    private readonly buckets: RedisBuckets,
    private readonly users: UserIndex,
  ) {
    this.#keys = buckets.layout.processes;
  }

  /** What a lost process held is freed before it is listed again: later it would take what it holds by then. */
  async heartbeat(beat: Heartbeat): Promise<boolean> {
    const send = (): Promise<unknown> =>
      this.buckets.run(HEARTBEAT, this.#keys, [beat.processId, beat.at, textOf(beat)]);
    let answer = await send();
    while (answer === 'lost') {
      await this.giveUp(beat.processId);
      answer = await send();
    }
    return numberOf(answer) === 1;
  }

  async listProcesses(): Promise<Heartbeat[]> {
    const [live = ''] = this.#keys;
    const beats = await this.buckets.hash(live);
    return [...beats.values()].map(beatOf).toSorted((a, b) => compareIds(a.processId, b.processId));
  }

  /** One caller strikes the process off first. If that caller crashes before it frees its resources, the process stays lost. */
  async dropProcess(processId: string, silentSince: number): Promise<boolean> {
    const isStruck = numberOf(await this.buckets.run(STRIKE_OFF, this.#keys, [processId, silentSince])) === 1;
    if (isStruck) await this.giveUp(processId);
    return isStruck;
  }

  async listHeld(processId: string): Promise<ResourceRecord[]> {
    const found = await this.buckets.inAll(async (bucket) =>
      textsOf(await this.buckets.runIn(HELD, bucket, processId)),
    );
    return found.flat().map(resourceOf).toSorted(oldestFirst);
  }

  /** Frees resources of lost processes, whose callers crashed before they did. */
  async freeLost(): Promise<void> {
    const [, lost = ''] = this.#keys;
    const ids = await this.buckets.hash(lost);
    for (const processId of ids.keys()) await this.giveUp(processId);
  }

  /** Also of one that is not listed, and never was. */
  async giveUp(processId: string): Promise<void> {
    await this.buckets.inAll((bucket) => this.buckets.runIn(ABANDON, bucket, processId));
    const jobs = CLEANUP_JOBS.map((job) => this.buckets.layout.job(job));
    await Promise.all(jobs.map((job) => this.buckets.run(FORGET_TROUBLE, [job], [processId])));
    await this.buckets.run(FORGET_LOST, this.#keys, [processId]);
  }

  async listNodes(): Promise<NodeRecord[]> {
    const nodes = [...(await this.#nodes())].toSorted(([a], [b]) => compareIds(a, b));
    const held = await this.#heldBy(nodes.map(([nodeId]) => nodeId));
    return nodes.map(([nodeId, { address = null, lastSeenAt }], index) => {
      return { nodeId, address, lastSeenAt, resources: held[index] ?? 0 };
    });
  }

  /** The node stays known until all its records are dropped, so that a failed call can be repeated. */
  async forgetNode(nodeId: string, silentSince: number, at: number): Promise<Released | null> {
    const node = (await this.#nodes()).get(nodeId);
    if (node === undefined || node.lastSeenAt > silentSince) return null;
    const dropped = await this.buckets.inAll(async (bucket) => [
      ...(await this.#forgetEnds(bucket, nodeId, at)),
      ...(await this.#forgetFiles(bucket, nodeId)),
    ]);
    await this.buckets.run(FORGET_FAILURES, [this.buckets.layout.failures(nodeId)], []);
    await this.buckets.run(FORGET_NODE, this.#keys, [nodeId]);
    return totalReleased(dropped.flat());
  }

  async #forgetEnds(bucket: number, nodeId: string, at: number): Promise<Released[]> {
    const dropped: Released[] = [];
    for (;;) {
      // oxlint-disable-next-line no-await-in-loop -- page by page, so that Redis can serve other clients
      await this.#forgetUsers(bucket, nodeId);
      // oxlint-disable-next-line no-await-in-loop -- as above
      const reply = textsOf(await this.buckets.runIn(FORGET_ENDS, bucket, nodeId, at, PAGE));
      const [seen = 0, resources = 0, bytes = 0] = reply.map(numberOf);
      dropped.push({ resources, bytes });
      if (seen < PAGE) return dropped;
    }
  }

  /** An ended session must be in the index of no user, also if this process dies meanwhile. */
  async #forgetUsers(bucket: number, nodeId: string): Promise<void> {
    const found = pairsOf(textsOf(await this.buckets.runIn(USERS_OF_ENDS, bucket, nodeId, PAGE)));
    await Promise.all([...found].map(([sessionId, userId]) => this.users.remove(userId, [sessionId])));
  }

  async #forgetFiles(bucket: number, nodeId: string): Promise<Released[]> {
    const dropped: Released[] = [];
    let cursor = '-';
    do {
      // oxlint-disable-next-line no-await-in-loop -- page by page, as above
      const [next = '', resources, bytes] = textsOf(
        await this.buckets.runIn(FORGET_FILES, bucket, nodeId, cursor),
      );
      dropped.push({ resources: numberOf(resources), bytes: numberOf(bytes) });
      cursor = next;
    } while (cursor !== '');
    return dropped;
  }

  async #nodes(): Promise<Map<string, StoredNode>> {
    const [, , , nodes = ''] = this.#keys;
    const texts = await this.buckets.hash(nodes);
    return new Map([...texts].map(([nodeId, text]): [string, StoredNode] => [nodeId, JSON.parse(text)]));
  }

  async #heldBy(nodeIds: readonly string[]): Promise<number[]> {
    if (nodeIds.length === 0) return [];
    const fields = nodeIds.map((nodeId) => `node:${nodeId}`);
    const found = await this.buckets.askAll(FIELDS, 'totals', ...fields);
    const shares = found.map((share) => textsOf(share).map(Number));
    return nodeIds.map((_, index) => shares.reduce((sum, share) => sum + (share[index] ?? 0), 0));
  }
}

/** What the script does not read is text: it writes the record anew, and would round numbers and make objects of empty lists. */
interface StoredBeat extends Omit<
  Heartbeat,
  'address' | 'beacon' | 'keyIds' | 'startedAt' | 'limits' | 'disk'
> {
  readonly address?: string | null;
  readonly beacon?: string | null;
  readonly rest: string;
}

function textOf({ keyIds, startedAt, limits, disk, ...beat }: Heartbeat): string {
  return textOfRecord({ ...beat, rest: JSON.stringify({ keyIds, startedAt, limits, disk }) });
}

function beatOf(text: string): Heartbeat {
  const { address = null, beacon = null, rest, ...beat }: StoredBeat = JSON.parse(text);
  const untouched: Pick<Heartbeat, 'keyIds' | 'startedAt' | 'limits' | 'disk'> = JSON.parse(rest);
  return { ...beat, address, beacon, ...untouched };
}
