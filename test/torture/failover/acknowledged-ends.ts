import { createClient } from 'redis';
import { bucketOfId } from '#sessions/domain/bucket';
import type { SessionStore } from '#sessions/ports/store/session-store';
import { RedisLayout } from '#sessions/stores/redis/scripts/redis.layout';
import type { NodeServer } from '../nodes/node-server.ts';
import { holdsWithin, pause } from '../processes/scratch.ts';
import type { Failover } from './failing-cluster.ts';

/** What a master was told so long before its death its replica knows. */
const RECENT_MS = 10_000;
/** A process that lives applies its ends again within this time of the promotion. */
const AGAIN_WITHIN_MS = 10_000;
const { prefix, buckets } = { prefix: 'nest-sessions:', buckets: 256 };
const layout = new RedisLayout(prefix, buckets, true);

/** An end that its client was told of. */
interface AcknowledgedEnd {
  readonly sessionId: string;
  readonly at: number;
  readonly maker: NodeServer;
  /** Which process of the maker's it was. */
  readonly incarnation: number;
}

/** What becomes of acknowledged ends when a master dies before its replica has heard of them. */
export class AcknowledgedEnds {
  /** Found open again in the instant of a promotion, and never ended again as they were; the latter by who was alive. */
  readonly counts = { all: 0, lost: 0, lostForGood: 0 };
  slowestAgainMs = 0;
  private readonly store: SessionStore;
  private readonly violation: (message: string) => void;
  private recent: AcknowledgedEnd[] = [];

  constructor(store: SessionStore, violation: (message: string) => void) {
    this.store = store;
    this.violation = violation;
  }

  note(sessionId: string, maker: NodeServer): void {
    this.counts.all += 1;
    const now = performance.now();
    this.recent = this.recent.filter(({ at }) => now - at < RECENT_MS);
    this.recent.push({ sessionId, at: now, maker, incarnation: maker.incarnation });
  }

  /** Looks which of them the new master does not know of, and waits until each is ended again. */
  async checkAfter({ promoted, promotedAt, killedAt }: Failover): Promise<void> {
    const ends = this.recent.filter(({ at }) => at <= killedAt + 50);
    const lost = await openOn(promoted.url, ends);
    this.counts.lost += lost.length;
    await Promise.all(lost.map((end) => this.expectAgain(end, promotedAt)));
  }

  private async expectAgain(
    { sessionId, maker, incarnation }: AcknowledgedEnd,
    promotedAt: number,
  ): Promise<void> {
    const isEnded = async (): Promise<boolean> => {
      const record = await this.store.sessions.find(sessionId).catch(() => undefined);
      return record !== undefined && record?.state !== 'open';
    };
    const isAgain = await holdsWithin(promotedAt + AGAIN_WITHIN_MS - performance.now(), isEnded);
    const tookMs = performance.now() - promotedAt;
    const record = await this.store.sessions.find(sessionId).catch(() => null);
    if (isAgain && record?.endReason === 'ended') {
      this.slowestAgainMs = Math.max(this.slowestAgainMs, tookMs);
      return;
    }
    this.counts.lostForGood += 1;
    if (maker.isUp && maker.incarnation === incarnation) {
      const state = record ? `${record.state} (${record.endReason})` : 'gone';
      this.violation(
        `an end is lost for good though its maker lives: ${sessionId} is ${state} ${Math.round(tookMs)} ms after the promotion`,
      );
    }
  }
}

/** Those of them that this server has as open; what it is not in charge of is left out. */
async function openOn(url: string, ends: readonly AcknowledgedEnd[]): Promise<AcknowledgedEnd[]> {
  const client = createClient({ url });
  client.on('error', () => {});
  await client.connect();
  try {
    const look = async (end: AcknowledgedEnd): Promise<boolean> => {
      const key = layout.record((bucketOfId(end.sessionId) ?? 0) % buckets, 'sessions', end.sessionId);
      for (;;) {
        try {
          const text = await client.get(key);
          return text !== null && (JSON.parse(text) as { state: string }).state === 'open';
        } catch (error) {
          if (!String(error).includes('CLUSTERDOWN')) return false;
          await pause(10);
        }
      }
    };
    const isOpen = await Promise.all(ends.map(look));
    return ends.filter((_, index) => isOpen[index]);
  } finally {
    client.destroy();
  }
}
