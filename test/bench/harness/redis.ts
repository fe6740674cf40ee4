import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';
import { taskset } from './machine.ts';

/** A Redis of the benchmark's own, that keeps nothing on the disk, on a free port of this machine. */
export class RedisServer {
  readonly port: number;
  readonly pid: number;
  private readonly child: ChildProcess;
  private readonly folder: string;

  private constructor(child: ChildProcess, port: number, folder: string) {
    this.child = child;
    this.port = port;
    this.pid = child.pid ?? 0;
    this.folder = folder;
  }

  static isInstalled(): boolean {
    return spawnSync('redis-server', ['--version']).status === 0;
  }

  static version(): string {
    const said = spawnSync('redis-server', ['--version'], { encoding: 'utf8' }).stdout ?? '';
    return `Redis ${/v=([\d.]+)/.exec(said)?.[1] ?? '(not installed)'}`;
  }

  static async start(core: number): Promise<RedisServer> {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), 'nest-sessions-redis-'));
    const options = [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--appendonly',
      'no',
      '--dir',
      folder,
    ];
    const [command = 'redis-server', ...args] = [...taskset(core), 'redis-server', ...options];
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise<void>((resolve, reject) => {
      let said = '';
      child.stdout?.on('data', (text: Buffer) => {
        said += text.toString();
        if (said.includes('Ready to accept connections')) resolve();
      });
      child.once('error', reject);
      child.once('close', () => reject(new Error(`redis-server did not start:\n${said}`)));
    });
    return new RedisServer(child, port, folder);
  }

  /** All that it keeps in memory. */
  async usedBytes(): Promise<number> {
    const client = createClient({ url: `redis://127.0.0.1:${this.port}` });
    await client.connect();
    try {
      return Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1]);
    } finally {
      client.destroy();
    }
  }

  async stop(): Promise<void> {
    const closed = once(this.child, 'close');
    this.child.kill();
    await closed;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
