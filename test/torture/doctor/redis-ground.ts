import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { createClient } from 'redis';
import { resolveConfig } from '../../../libs/sessions/dist/core/config/config.js';
import type { SessionsCore } from '../../../libs/sessions/dist/core/core.js';
import { AnchoredClock } from '../../../libs/sessions/dist/core/clock/system-clock.js';
import { startCore } from '../../../libs/sessions/dist/assembly/start-core.js';
import { Doctor } from '../../../libs/sessions/dist/operate/doctor/doctor.js';
import { RedisServer } from '../../support/redis-servers.ts';
import { folderOf } from '../processes/folder.ts';
import { runCli } from '../remote/cli.ts';
import { addFiles, fileName, type Dump } from './dump.ts';
import type { VictimOfDisk } from './file-damages.ts';
import { GRACE_MS, type Ground } from './round.ts';
import { shuffled } from './shuffled.ts';

const PREFIX = 'nest-sessions:';
const SESSIONS = 16;
const FILES = 2;
const CLIENT = { ipAddress: '192.0.2.1', userAgent: 'torture' };
const SILENT = { debug() {}, log() {}, warn() {}, error() {} };
/** Heartbeats, jobs, counts by minute, what operators did, and what expires in seconds change by themselves. */
const LIVELY = /^(?:\{processes\}|failures:|trends:|job:|\{audit\}|\{\d+\}:writes:|\{counts\}:openings)/;

export interface RedisVictim extends VictimOfDisk {
  readonly userId: string;
  /** Beginning of the keys of its bucket. */
  readonly bucket: string;
}

type Client = ReturnType<typeof clientOf>;

function clientOf(url: string) {
  return createClient({ url });
}

/** A Redis of its own, with a server and a doctor in this process, and a way around both. */
export class RedisGround implements Ground<RedisVictim> {
  readonly root: string;
  readonly doctor: Doctor;
  readonly random: () => number;
  private readonly redis: RedisServer;
  private readonly server: SessionsCore;
  private readonly core: SessionsCore;
  private readonly client: Client;

  private constructor(
    root: string,
    redis: RedisServer,
    cores: readonly [SessionsCore, SessionsCore],
    client: Client,
    random: () => number,
    motionMs: number,
  ) {
    this.root = root;
    this.redis = redis;
    [this.server, this.core] = cores;
    this.client = client;
    this.random = random;
    this.doctor = new Doctor(this.core, SILENT, motionMs);
  }

  static async make(folder: string, random: () => number, motionMs: number): Promise<RedisGround> {
    const redis = await RedisServer.start(['--appendonly', 'yes']);
    const root = join(folder, 'files');
    await mkdir(root, { recursive: true, mode: 0o700 });
    const start = (role: 'server' | 'cli'): Promise<SessionsCore> => {
      const options = {
        store: 'redis',
        redisUrls: [redis.url],
        storagePath: root,
        minFreeBytes: 0,
        minFreeInodes: 0,
      } as const;
      const config = { ...resolveConfig({ ...options, openRate: 0 }, {}), orphanGraceMs: GRACE_MS };
      return startCore({ config, clock: new AnchoredClock(), role, logFor: () => SILENT });
    };
    const client = clientOf(redis.url);
    await client.connect();
    return new RedisGround(
      root,
      redis,
      [await start('server'), await start('cli')],
      client,
      random,
      motionMs,
    );
  }

  async close(): Promise<void> {
    for (const core of [this.core, this.server]) {
      await core.quiesce();
      await core.stop();
    }
    this.client.destroy();
    await this.redis.stop();
  }

  async populate(): Promise<void> {
    const { service, store } = this.server;
    for (let index = 0; index < SESSIONS; index += 1) {
      const opening = await service.open(CLIENT);
      if (opening.kind !== 'opened') throw new Error(`not opened: ${opening.kind}`);
      await service.login(opening.session, this.random() < 0.5 ? 'ada' : 'bob');
      const { id } = opening.session;
      for (let file = 0; file < FILES; file += 1) {
        const sink = await service.createFile({ id }, { type: 'audio_file' });
        sink.end(Buffer.alloc(1 + Math.floor(this.random() * 5000), 1));
        await finished(sink);
      }
      const write = { operation: randomBytes(12).toString('base64url'), at: Date.now() };
      const changes = [{ key: 'planted', json: '"data"' }];
      await store.data.write(id, null, { ...write, changes, limits: { maxBytes: 9999, maxKeys: 9 } });
    }
    // What the server still buffers would change records while damages are planted.
    await this.server.thisProcess.beat();
    await this.server.entries.flush();
  }

  async victims(): Promise<RedisVictim[]> {
    const { sessions } = await this.server.store.sessions.list({ limit: SESSIONS, sort: 'created_at' });
    const victims = await Promise.all(sessions.map(async ({ id, userId }) => this.victim(id, userId ?? '')));
    // One of a bucket: their damages must not meet.
    const first = victims.filter(
      ({ bucket }, index) => victims.findIndex((one) => one.bucket === bucket) === index,
    );
    return shuffled(first, this.random);
  }

  private async victim(id: string, userId: string): Promise<RedisVictim> {
    const resources = await this.server.store.resources.list([id]);
    const fileId = resources[Math.floor(this.random() * resources.length)]?.id ?? '';
    const folder = folderOf(this.root, id);
    const path = join(folder, fileId.replaceAll('-', ''));
    const bucket = `{${Number.parseInt(id.slice(0, 3), 16) % 256}}:`;
    const released = [bucket, 'budgets:', fileName(this.root, path)];
    return { id, userId, folder, file: { id: fileId, path }, bucket, released };
  }

  async dump(): Promise<Dump> {
    const dump = new Map<string, string>();
    for (const key of (await this.run('KEYS', `${PREFIX}*`)) as string[]) {
      const name = key.slice(PREFIX.length);
      if (LIVELY.test(name)) continue;
      for (const [part, value] of await this.partsOf(key)) dump.set(`${name}${part}`, value);
    }
    addFiles(dump, this.root);
    return dump;
  }

  command(...args: readonly string[]): ReturnType<Ground<RedisVictim>['command']> {
    return runCli(this.root, args, { SESSION_REDIS_URL: this.redis.url });
  }

  run(...args: readonly string[]): Promise<unknown> {
    return this.client.sendCommand([...args]);
  }

  /** A command on a key without the prefix. */
  on(command: string, key: string, ...args: readonly string[]): Promise<unknown> {
    return this.run(command, PREFIX + key, ...args);
  }

  /** Changes a record, and nothing beside it. */
  async change(
    key: string,
    change: (record: Record<string, unknown>) => void,
  ): Promise<Record<string, unknown>> {
    const record = JSON.parse(String(await this.on('GET', key))) as Record<string, unknown>;
    change(record);
    await this.on('SET', key, JSON.stringify(record), 'KEEPTTL');
    return record;
  }

  private async partsOf(key: string): Promise<[string, string][]> {
    switch (await this.run('TYPE', key)) {
      case 'string':
        return [['', canonical(String(await this.run('GET', key)))]];
      case 'hash':
        return pairsOf(await this.run('HGETALL', key));
      case 'zset':
        return pairsOf(await this.run('ZRANGE', key, '0', '-1', 'WITHSCORES'));
      case 'set':
        return ((await this.run('SMEMBERS', key)) as string[]).map((member) => [` ${member}`, '']);
      default:
        return [['', JSON.stringify(await this.run('LRANGE', key, '0', '-1'))]];
    }
  }
}

/** Fields and values, or members and scores: as a map, in pairs, or one after the other, by the protocol. */
function pairsOf(reply: unknown): [string, string][] {
  const texts = Array.isArray(reply)
    ? reply.flat().map(String)
    : Object.entries(reply as object)
        .flat()
        .map(String);
  return Array.from({ length: texts.length / 2 }, (_, index): [string, string] => [
    ` ${texts[2 * index]}`,
    texts[2 * index + 1] ?? '',
  ]).filter(([name]) => name !== ' seen_at');
}

/** Lua writes the fields of a record in another order, and an empty list as an object. */
function canonical(text: string): string {
  try {
    return JSON.stringify(sorted(JSON.parse(text)));
  } catch {
    return text;
  }
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, field]) => [name, sorted(field)]);
}
