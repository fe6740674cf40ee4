import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Contender } from '../servers/contenders.ts';
import type { AdapterName, ServerSetup } from '../servers/server.ts';
import { CLIENT_CORE, cpuTimeOf, SERVER_CORE } from './machine.ts';
import { Program, type ProgramOptions } from './program.ts';
import { RedisServer } from './redis.ts';
import { scratchFolder } from './scratch.ts';

/** A contender that is up, with its Redis if it has one. */
export class Fighter {
  readonly contender: Contender;
  readonly server: Program;
  readonly port: number;
  readonly setup: ServerSetup;
  readonly redis: RedisServer | null;

  private constructor(
    contender: Contender,
    server: Program,
    port: number,
    setup: ServerSetup,
    redis: RedisServer | null,
  ) {
    this.contender = contender;
    this.server = server;
    this.port = port;
    this.setup = setup;
    this.redis = redis;
  }

  static async start(
    contender: Contender,
    setup: ServerSetup,
    redis: RedisServer | null,
    options: ProgramOptions = { core: SERVER_CORE },
  ): Promise<Fighter> {
    const server = await Program.start('server.program.ts', setup, options);
    return new Fighter(contender, server, await server.ask('port'), setup, redis);
  }

  /** CPU microseconds per request while `work` ran `requests` of them: the server's, and its Redis'. */
  async cpuPerRequest(
    requests: number,
    work: () => Promise<unknown>,
  ): Promise<{ own: number; redis: number | null }> {
    const redisBefore = this.redis && cpuTimeOf(this.redis.pid);
    const before = await this.server.ask<number>('cpu');
    await work();
    const own = ((await this.server.ask<number>('cpu')) - before) / requests;
    const redisAfter = this.redis && cpuTimeOf(this.redis.pid);
    const redis = redisBefore === null || redisAfter === null ? null : (redisAfter - redisBefore) / requests;
    return { own, redis };
  }

  async stop(): Promise<void> {
    await this.server.stop();
    await this.redis?.stop();
  }
}

/** Contenders that are up side by side, and one client for all of them. */
export class Arena {
  readonly fighters: Fighter[] = [];
  readonly client: Program;
  private readonly scratch = scratchFolder();

  private constructor(client: Program) {
    this.client = client;
  }

  static async open(): Promise<Arena> {
    return new Arena(await Program.start('load.program.ts', null, { core: CLIENT_CORE }));
  }

  async admit(contender: Contender, adapter: AdapterName, options?: ProgramOptions): Promise<Fighter> {
    const folder = join(this.scratch.path, String(this.fighters.length));
    mkdirSync(folder, { mode: 0o700 });
    const redis = contender.needsRedis ? await RedisServer.start(CLIENT_CORE) : null;
    const setup: ServerSetup = { contender: contender.name, adapter, folder, redisPort: redis?.port ?? null };
    const fighter = await Fighter.start(contender, setup, redis, options);
    this.fighters.push(fighter);
    return fighter;
  }

  /** Another server takes the place of one that stops, with all that it kept. */
  async replace(stopping: Fighter): Promise<Fighter> {
    await stopping.server.stop();
    const fighter = await Fighter.start(stopping.contender, stopping.setup, stopping.redis);
    this.fighters.splice(this.fighters.indexOf(stopping), 1, fighter);
    return fighter;
  }

  async close(): Promise<void> {
    await Promise.all(this.fighters.map((fighter) => fighter.stop()));
    await this.client.stop();
    this.scratch.remove();
  }
}

/** In another order each round, so that nobody always comes after the same neighbour. */
export function rotated<T>(items: readonly T[], round: number): T[] {
  const start = round % Math.max(1, items.length);
  return [...items.slice(start), ...items.slice(0, start)];
}
