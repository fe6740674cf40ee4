import { createClient } from 'redis';
import type { RedisClusterServers, RedisServer } from '../../support/redis-servers.ts';
import { holdsWithin, pause } from '../processes/scratch.ts';

const PROMOTED_WITHIN_MS = 30_000;
const WHOLE_WITHIN_MS = 30_000;
const LOOK_MS = 10;

/** A master that was killed, and the replica that stands in for it. */
export interface Failover {
  readonly killed: RedisServer;
  readonly promoted: RedisServer;
  readonly killedAt: number;
  /** When the replica said that it is a master now. */
  readonly promotedAt: number;
}

/** A cluster whose masters die one after the other, and come back as replicas. */
export class FailingCluster {
  readonly urls: readonly string[];
  private readonly servers: readonly RedisServer[];

  constructor(cluster: RedisClusterServers) {
    this.urls = cluster.urls;
    this.servers = cluster.servers;
  }

  /**
   * Kills any of the masters; resolves in the instant in which its replica is promoted. For `deafMs` before its death the
   * replica hears nothing of it: what is acknowledged then is lost.
   */
  async killMaster(random: () => number, deafMs: number): Promise<Failover> {
    const replications = await Promise.all(
      this.servers.map(async (server) => ({ server, info: await infoOf(server) })),
    );
    const masters = replications.filter(({ info }) => isMaster(info));
    const killed = masters[Math.floor(random() * masters.length)]?.server;
    const promoted = replications.find(({ info }) => info.includes(`master_port:${killed?.port}\r`))?.server;
    if (!killed || !promoted) throw new Error('A master has no replica.');
    const client = createClient({ url: promoted.url });
    client.on('error', () => {});
    await client.connect();
    try {
      if (deafMs > 0) await deafen(killed, deafMs);
      await killed.signal('SIGKILL');
      const killedAt = performance.now();
      const deadline = killedAt + PROMOTED_WITHIN_MS;
      while (!isMaster(await client.info('replication'))) {
        if (performance.now() > deadline) throw new Error('A killed master was not replaced.');
        await pause(LOOK_MS);
      }
      return { killed, promoted, killedAt, promotedAt: performance.now() };
    } finally {
      client.destroy();
    }
  }

  /** Starts the killed one again: it is a replica from then on, and could be the master of the next kill. */
  async restore({ killed }: Failover): Promise<void> {
    await killed.run();
    if (!(await holdsWithin(WHOLE_WITHIN_MS, () => this.isWhole())))
      throw new Error('The cluster stays broken.');
  }

  /** Every node follows or is followed, and all of them know. */
  private async isWhole(): Promise<boolean> {
    const told = await Promise.all(
      this.servers.map(async (server) => {
        const [info, state, nodes] = await Promise.all([
          infoOf(server),
          server.command('CLUSTER', 'INFO').then(String),
          server.command('CLUSTER', 'NODES').then(String),
        ]);
        const isWell = state.includes('cluster_state:ok') && !/fail|handshake|disconnected/.test(nodes);
        if (isMaster(info)) return isWell && info.includes('state=online') ? 'master' : 'broken';
        return isWell && info.includes('master_link_status:up') ? 'replica' : 'broken';
      }),
    );
    return !told.includes('broken') && told.filter((role) => role === 'master').length === 3;
  }
}

/** The master goes on without its replica, until it forgets all this with its death. */
async function deafen(master: RedisServer, ms: number): Promise<void> {
  await master.command('ACL', 'SETUSER', 'default', '-psync', '-sync');
  await master.command('CLIENT', 'KILL', 'TYPE', 'replica');
  await pause(ms);
}

async function infoOf(server: RedisServer): Promise<string> {
  return String(await server.command('INFO', 'replication'));
}

function isMaster(info: string): boolean {
  return info.includes('role:master');
}
