import { setTimeout as wait } from 'node:timers/promises';
import { jitterMs } from '../connection/jitter.js';
import { discard, type RedisClientLike } from '../connection/redis.client.js';
import { isForbidden, unavailable } from '../connection/redis.errors.js';
import type { RedisClients } from '../connection/redis.clients.js';

/** Pause between attempts to subscribe to the channel. */
const RETRY_MS = 1000;

/** Subscribes to the messages that scripts publish, over its own connection, and reconnects. Messages may be lost meanwhile. */
export class ChangeNotifications {
  readonly #closing = new AbortController();

  constructor(
    private readonly clients: RedisClients,
    private readonly channel: string,
  ) {}

  /** Subscribes until `close`, and retries while no server answers. Rejects with `STORE_UNAVAILABLE` if Redis forbids it. */
  async listen(onChange: () => void): Promise<void> {
    const { signal } = this.#closing;
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      // May fail: a cluster client first connects to a node.
      const client = await this.clients.listener(attempt).catch(() => undefined);
      if (client === null) return;
      if (client) await this.#listenTo(client, onChange);
      await wait(jitterMs(RETRY_MS), undefined, { ref: false, signal }).catch(() => {});
    }
  }

  close(): void {
    this.#closing.abort();
  }

  /** Resolves when the connection is lost. */
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
      if (isForbidden(error))
        throw unavailable(
          'The Redis user may not subscribe to the channel `changes`: see the ACL in docs/several-servers.md',
          error,
        );
    } finally {
      discard(client);
    }
  }
}
