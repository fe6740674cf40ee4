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

  /** What endangers sessions in settings and state of the servers; nothing of what the user may not ask for. */
  async faults(): Promise<ServerFault[]> {
    const infos = await this.#info();
    const states = this.connection.isCluster ? await this.#ask('CLUSTER', 'INFO') : [];
    const found = [...infos.flatMap(faultsIn), ...states.flatMap(faultsOfCluster)];
    return found.filter(
      (fault, index) => found.findIndex(({ setting }) => setting === fault.setting) === index,
    );
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
    const infos = await this.#ask('INFO', ...sections);
    if (infos.length > 0) this.hasReplicas = infos.some((info) => replicasIn(info) > 0);
    return infos;
  }

  /** The answers of all servers; none if the command is forbidden. */
  async #ask(...command: string[]): Promise<string[]> {
    try {
      return await this.connection.sendToAll(command);
    } catch (error) {
      if (isForbidden(error)) return [];
      throw error;
    }
  }
}

/** A setting of a server, or a part of its state. */
export interface ServerFault {
  readonly setting: 'maxmemory-policy' | 'appendonly' | 'persistence' | 'memory' | 'cluster';
  readonly detail: string;
}

/** Beyond this share of `maxmemory`, new sessions and files are soon refused. */
const FULL_SHARE = 0.9;

function faultsIn(info: string): ServerFault[] {
  const faults: ServerFault[] = [];
  const policy = field(info, 'maxmemory_policy') ?? 'noeviction';
  if (policy !== 'noeviction')
    faults.push({
      setting: 'maxmemory-policy',
      detail: `it is ${policy}, which evicts sessions: set noeviction`,
    });
  if (field(info, 'aof_enabled') === '0')
    faults.push({
      setting: 'appendonly',
      detail: 'it is off: a crash of the server loses the latest changes',
    });
  for (const name of ['aof_last_write_status', 'aof_last_bgrewrite_status', 'rdb_last_bgsave_status']) {
    const status = field(info, name) ?? 'ok';
    if (status !== 'ok')
      faults.push({ setting: 'persistence', detail: `${name} is ${status}: see the log of the server` });
  }
  const [used, most] = [Number(field(info, 'used_memory') ?? 0), Number(field(info, 'maxmemory') ?? 0)];
  if (most > 0 && used > FULL_SHARE * most)
    faults.push({ setting: 'memory', detail: `${used} of ${most} bytes are used: raise maxmemory` });
  return faults;
}

function faultsOfCluster(state: string): ServerFault[] {
  const found = field(state, 'cluster_state') ?? 'ok';
  return found === 'ok' ? [] : [{ setting: 'cluster', detail: `its state is ${found}: see CLUSTER INFO` }];
}

/** The number of replicas in an `INFO` reply. */
export function replicasIn(info: string): number {
  return Number(field(info, 'connected_slaves') ?? 0);
}

function field(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim();
}
