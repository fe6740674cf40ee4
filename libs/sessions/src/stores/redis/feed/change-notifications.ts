import { setTimeout as wait } from 'node:timers/promises';
import { jitterMs } from '../connection/jitter.js';
import type { RedisClientLike } from '../connection/redis.client.js';
import { isForbidden, unavailable } from '../connection/redis.errors.js';
import type { RedisClients } from '../connection/redis.clients.js';

/** One try a second at most. */
const RETRY_MS = 1000;

/** Hears what the scripts publish, over a connection of its own; one that is lost is made anew. What is missed is missed. */
export class ChangeNotifications {
  readonly #closing = new AbortController();

  constructor(
    private readonly clients: RedisClients,
    private readonly channel: string,
  ) {}

  /** Listens until `close`; while no server answers it tries on. Rejects with `STORE_UNAVAILABLE` where it is not allowed to. */
  async listen(onChange: () => void): Promise<void> {
    const { signal } = this.#closing;
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      // It may be hard to get: that of a cluster asks a node.
      const client = await this.clients.listener(attempt).catch(() => undefined);
      if (client === null) return;
      if (client) await this.#listenTo(client, onChange);
      await wait(jitterMs(RETRY_MS), undefined, { ref: false, signal }).catch(() => {});
    }
  }

  close(): void {
    this.#closing.abort();
  }

  /** Until the connection is lost. */
  async #listenTo(client: RedisClientLike, onChange: () => void): Promise<void> {
    const lost = new Promise<never>((_, reject) => {
      client.on('error', reject);
      this.#closing.signal.addEventListener('abort', reject, { once: true });
    });
    try {
      await Promise.race([client.connect(), lost]);
      await Promise.race([client.subscribe?.(this.channel, onChange), lost]);
      await lost;
    } catch (error) {
      if (isForbidden(error)) throw unavailable('Redis does not let this user listen to its channel', error);
    } finally {
      if (client.isOpen) client.destroy();
    }
  }
}
