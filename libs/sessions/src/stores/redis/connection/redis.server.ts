import type { RedisConnection } from './redis.connection.js';
import { incompatible, isForbidden } from './redis.errors.js';

const OLDEST = 7;

/** Checks versions and settings of the servers. */
export class RedisServers {
  /** Whether any master had a replica at the last `INFO`. */
  hasReplicas = false;

  constructor(private readonly connection: RedisConnection) {}

  /** Rejects with `STORE_INCOMPATIBLE` if a server cannot store sessions safely. Skips the check if `INFO` is forbidden. */
  async check(): Promise<void> {
    const infos = await this.#info();
    for (const info of infos) {
      const version = field(info, 'redis_version') ?? '0';
      if (Number.parseInt(version, 10) < OLDEST) {
        throw incompatible(`Redis ${version} is too old: install Redis ${OLDEST} or later, or Valkey`);
      }
      if (field(info, 'cluster_enabled') === '1' && !this.connection.isCluster) {
        throw incompatible(
          'This Redis is a node of a cluster: pass the URLs of several of its nodes, or set `cluster`',
        );
      }
      const policy = field(info, 'maxmemory_policy') ?? 'noeviction';
      if (policy !== 'noeviction') {
        throw incompatible(
          `Redis evicts sessions when its memory is full (maxmemory-policy ${policy}): set maxmemory-policy noeviction`,
        );
      }
    }
  }

  /** The replication ids of all masters; they change after a failover or a restart. */
  async histories(): Promise<string> {
    const infos = await this.#info('replication');
    return infos
      .map((info) => field(info, 'master_replid') ?? '')
      .toSorted()
      .join();
  }

  async #info(...sections: string[]): Promise<string[]> {
    try {
      const infos = await this.connection.sendToAll(['INFO', ...sections]);
      this.hasReplicas = infos.some((info) => replicasIn(info) > 0);
      return infos;
    } catch (error) {
      if (isForbidden(error)) return [];
      throw error;
    }
  }
}

/** The number of replicas in an `INFO` reply. */
export function replicasIn(info: string): number {
  return Number(field(info, 'connected_slaves') ?? 0);
}

function field(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim();
}
