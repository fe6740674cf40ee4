import type { NodeRecord, Released } from '../../../ports/session-store.js';
import { compare, type RedisBuckets } from './redis.buckets.js';
import { FORGET_ENDS, FORGET_FILES } from '../scripts/redis.scripts.endings.js';
import { FIELDS, FORGET_NODE } from '../scripts/redis.scripts.store.js';
import { numberOf, textsOf } from './redis.values.js';

const PAGE = 200;

/** What is kept of a node beside its id. */
interface StoredNode {
  readonly address?: string;
  readonly lastSeenAt: number;
}

/** The nodes that files lie on. */
export class RedisNodes {
  readonly #keys: readonly string[];

  constructor(private readonly buckets: RedisBuckets) {
    this.#keys = buckets.layout.processes;
  }

  async list(): Promise<NodeRecord[]> {
    const nodes = [...(await this.#nodes())].toSorted(([a], [b]) => compare(a, b));
    const held = await this.#heldBy(nodes.map(([nodeId]) => nodeId));
    return nodes.map(([nodeId, { address = null, lastSeenAt }], index) => {
      return { nodeId, address, lastSeenAt, resources: held[index] ?? 0 };
    });
  }

  /** It stays known until all it held is dropped: who fails on the way can be asked again. */
  async forget(nodeId: string, silentSince: number, at: number): Promise<Released | null> {
    const node = (await this.#nodes()).get(nodeId);
    if (node === undefined || node.lastSeenAt > silentSince) return null;
    const dropped = await this.buckets.inAll(async (bucket) => [
      ...(await this.#forgetEnds(bucket, nodeId, at)),
      ...(await this.#forgetFiles(bucket, nodeId)),
    ]);
    await this.buckets.run(FORGET_NODE, this.#keys, [nodeId]);
    return dropped
      .flat()
      .reduce(
        (sum, { resources, bytes }) => ({ resources: sum.resources + resources, bytes: sum.bytes + bytes }),
        { resources: 0, bytes: 0 },
      );
  }

  async #forgetEnds(bucket: number, nodeId: string, at: number): Promise<Released[]> {
    const dropped: Released[] = [];
    for (;;) {
      // oxlint-disable-next-line no-await-in-loop -- a page at a time, so that Redis has time for others
      const reply = textsOf(await this.buckets.runIn(FORGET_ENDS, bucket, nodeId, at, PAGE));
      const [seen = 0, resources = 0, bytes = 0] = reply.map(numberOf);
      dropped.push({ resources, bytes });
      if (seen < PAGE) return dropped;
    }
  }

  async #forgetFiles(bucket: number, nodeId: string): Promise<Released[]> {
    const dropped: Released[] = [];
    let cursor = '0';
    do {
      // oxlint-disable-next-line no-await-in-loop -- likewise
      const [next = '0', resources, bytes] = textsOf(
        await this.buckets.runIn(FORGET_FILES, bucket, nodeId, cursor),
      );
      dropped.push({ resources: numberOf(resources), bytes: numberOf(bytes) });
      cursor = next;
    } while (cursor !== '0');
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
