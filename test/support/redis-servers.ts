import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createClient } from 'redis';
import { freePort } from './free-port.ts';

/** Long: a machine that is busy with other tests takes its time. */
const START_MS = 30_000;
/** Of a cluster's two ports, the one for its own talk is so much higher. */
const BUS_OFFSET = 10_000;
const MOST_PORT = 65_535 - BUS_OFFSET;

/** One redis-server process of our own, on a free port of the loopback address, with its data in a folder of its own. */
export class RedisServer {
  readonly port: number;
  private readonly folder: string;
  private readonly options: readonly string[];
  private process: ChildProcess | undefined;

  private constructor(port: number, folder: string, options: readonly string[]) {
    this.port = port;
    this.folder = folder;
    this.options = options;
  }

  static async start(options: readonly string[] = []): Promise<RedisServer> {
    const folder = await mkdtemp(join(tmpdir(), 'nest-sessions-redis-'));
    const server = new RedisServer(await freePort(MOST_PORT), folder, options);
    try {
      await server.run();
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts the process, anew after a kill: with what it had written to its disk. */
  async run(): Promise<void> {
    const args = ['--port', `${this.port}`, '--bind', '127.0.0.1', '::1', '--dir', this.folder, '--save', ''];
    const child = spawn('redis-server', [...args, '--daemonize', 'no', ...this.options], { stdio: 'ignore' });
    this.process = child;
    const failed = new Promise<never>((_, reject) => {
      child.once('error', () =>
        reject(
          new Error(
            'The tests need redis-server on PATH. On Debian or Ubuntu: sudo apt-get install redis-server',
          ),
        ),
      );
    });
    await Promise.race([this.answers(), failed]);
  }

  async command(...args: string[]): Promise<unknown> {
    const client = createClient({
      url: this.url,
      socket: { reconnectStrategy: false, connectTimeout: START_MS },
    });
    client.on('error', () => {});
    await client.connect();
    try {
      return await client.sendCommand(args);
    } finally {
      client.destroy();
    }
  }

  /** SIGSTOP makes it hang, SIGCONT go on, SIGKILL is a crash. */
  async signal(signal: NodeJS.Signals): Promise<void> {
    const { process: child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = signal === 'SIGKILL' ? once(child, 'exit') : undefined;
    child.kill(signal);
    await gone;
  }

  async stop(): Promise<void> {
    await this.signal('SIGKILL');
    await rm(this.folder, { recursive: true, force: true });
  }

  private async answers(): Promise<void> {
    const deadline = Date.now() + START_MS;
    for (;;) {
      try {
        await this.command('PING');
        return;
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await wait(25);
      }
    }
  }
}

/** Three masters, a replica each. */
export class RedisClusterServers {
  readonly servers: readonly RedisServer[];

  private constructor(servers: readonly RedisServer[]) {
    this.servers = servers;
  }

  static async start(): Promise<RedisClusterServers> {
    const options = [
      '--cluster-enabled',
      'yes',
      '--cluster-node-timeout',
      '1000',
      '--repl-diskless-sync-delay',
      '0',
    ];
    const starting = await Promise.allSettled(Array.from({ length: 6 }, () => RedisServer.start(options)));
    const cluster = new RedisClusterServers(
      starting.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : [])),
    );
    try {
      const failed = starting.find(({ status }) => status === 'rejected');
      if (failed?.status === 'rejected') throw failed.reason;
      await cluster.form();
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  get urls(): string[] {
    return this.servers.map(({ url }) => url);
  }

  get masters(): readonly RedisServer[] {
    return this.servers.slice(0, 3);
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()));
  }

  private async form(): Promise<void> {
    const bounds = [0, 5461, 10_923, 16_384];
    await Promise.all(
      this.masters.map((master, index) =>
        master.command('CLUSTER', 'ADDSLOTSRANGE', `${bounds[index]}`, `${(bounds[index + 1] ?? 0) - 1}`),
      ),
    );
    // Everybody is introduced to everybody: hearsay would take its time.
    for (const [index, server] of this.servers.entries()) {
      for (const { port } of this.servers.slice(index + 1)) {
        await server.command('CLUSTER', 'MEET', '127.0.0.1', `${port}`);
      }
    }
    await this.until('CLUSTER NODES', (text) => text.split('\n').filter(Boolean).length === 6);
    const ids = await Promise.all(this.masters.map((master) => master.command('CLUSTER', 'MYID')));
    await Promise.all(
      this.servers
        .slice(3)
        .map((replica, index) => replica.command('CLUSTER', 'REPLICATE', String(ids[index]))),
    );
    await this.until('CLUSTER INFO', (text) => text.includes('cluster_state:ok'));
    await this.until('CLUSTER NODES', (text) => (text.match(/\bslave /g) ?? []).length === 3);
    // A replica that never had its master's data never stands in for it.
    await this.until('INFO replication', (text) => /role:master|master_link_status:up/.test(text));
  }

  private async until(command: string, isTrue: (reply: string) => boolean): Promise<void> {
    const deadline = Date.now() + START_MS;
    for (const server of this.servers) {
      for (;;) {
        const reply = String(await server.command(...command.split(' ')));
        if (isTrue(reply)) break;
        if (Date.now() > deadline) throw new Error(`The redis-servers did not form a cluster: ${reply}`);
        await wait(50);
      }
    }
  }
}
