import type { RedisConnection } from './redis.connection.js';
import { incompatible, isForbidden } from './redis.errors.js';

const OLDEST = 7;

/** Looks at the servers before sessions are trusted to them. */
export class RedisServers {
  /** Whether any of them had a replica when they were last asked. */
  hasReplicas = false;

  constructor(private readonly connection: RedisConnection) {}

  /** Rejects with `STORE_INCOMPATIBLE` where a server cannot keep sessions. */
  async check(): Promise<void> {
    const infos = await this.#info();
    for (const info of infos) {
      const version = field(info, 'redis_version') ?? '0';
      if (Number.parseInt(version, 10) < OLDEST) {
        throw incompatible(
          `Redis ${version} is too old for sessions: they need Redis ${OLDEST} or later, or Valkey`,
        );
      }
      if (field(info, 'cluster_enabled') === '1' && !this.connection.isCluster) {
        throw incompatible(
          'This Redis is a node of a cluster: give the URLs of several of its nodes, or set `cluster`',
        );
      }
      const policy = field(info, 'maxmemory_policy') ?? 'noeviction';
      if (policy.startsWith('allkeys')) {
        throw incompatible(
          `Redis would throw sessions away when its memory is full (maxmemory-policy ${policy}): set maxmemory-policy noeviction`,
        );
      }
    }
  }

  /** Which histories the servers write on: another after a failover, or a restart. */
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

/** How many replicas a server says that it has. */
export function replicasIn(info: string): number {
  return Number(field(info, 'connected_slaves') ?? 0);
}

function field(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim();
}
