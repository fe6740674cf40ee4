import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller, Get, Post } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { Throttle, ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';
import {
  CurrentSession,
  SessionsError,
  SkipSession,
  type Session,
  type SessionsModuleOptions,
} from 'nest-sessions';
import { SessionStore } from 'nest-sessions/store';
import {
  SessionsThrottler,
  SessionsThrottlerModule,
  type SessionsThrottlerOptions,
} from 'nest-sessions/throttler';
import { inMemoryAdapters, ManualClock } from 'nest-sessions/testing';
import { ADAPTERS, startApp, type AdapterName, type RunningApp } from '../support/http-app.js';
import { RedisServer } from '../support/redis-servers.js';

@Controller()
class Routes {
  @Get('session')
  session(@CurrentSession() session: Session) {
    return { id: session.id };
  }

  @Get('skipped')
  @SkipSession()
  skipped() {
    return {};
  }

  @Post('login')
  @Throttle({ default: { ttl: 1000, limit: 1, blockDuration: 600_000 } })
  login() {
    return {};
  }
}

interface Answer {
  readonly status: number;
  readonly cookie: string | null;
  readonly headers: Headers;
}

class Client {
  cookie: string | null = null;
  constructor(
    private readonly url: string,
    private readonly from = '192.0.2.1',
  ) {}

  async get(path: string, method = 'GET'): Promise<Answer> {
    const { status, headers } = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        'user-agent': 'test',
        'x-forwarded-for': this.from,
        ...(this.cookie !== null && { cookie: this.cookie }),
      },
    });
    const cookie = headers.getSetCookie()[0]?.split(';')[0] ?? null;
    this.cookie = cookie ?? this.cookie;
    return { status, cookie, headers };
  }

  async statuses(times: number, path = '/session'): Promise<number[]> {
    const statuses = [];
    for (let n = 0; n < times; n += 1) statuses.push((await this.get(path)).status);
    return statuses;
  }
}

describe.each(ADAPTERS)('A throttled app on %s', (adapter: AdapterName) => {
  let running: RunningApp;
  let clock: ManualClock;

  async function start(options: SessionsThrottlerOptions = {}): Promise<void> {
    clock = new ManualClock();
    running = await startApp(adapter, {
      options: {
        adapters: { ...inMemoryAdapters(), clock },
        cache: false,
        maxUnconfirmedPerNetwork: 0,
        maxSessionsPerNetwork: 0,
      },
      trustProxy: 'loopback',
      imports: [
        ThrottlerModule.forRootAsync({
          imports: [SessionsThrottlerModule.register(options)],
          inject: [SessionsThrottler],
          useFactory: (sessions: SessionsThrottler) => ({
            throttlers: [{ ttl: 60_000, limit: 3 }],
            storage: sessions,
            getTracker: sessions.getTracker,
          }),
        }),
      ],
      controllers: [Routes],
      providers: [{ provide: APP_GUARD, useClass: ThrottlerGuard }],
    });
  }

  afterEach(() => running.close());

  it('counts a client with a session by it, so that users behind one address do not share a limit', async () => {
    await start();
    const [ada, bob] = [new Client(running.url), new Client(running.url)];
    // Their first requests have no session yet: two of the three of their network.
    for (const one of [ada, bob]) expect((await one.get('/session')).status).toBe(200);
    expect(await ada.statuses(4)).toEqual([200, 200, 200, 429]);
    expect(await bob.statuses(4)).toEqual([200, 200, 200, 429]);
  });

  it('counts clients without a cookie by their network, and opens no session for one that it refuses', async () => {
    await start();
    const answers = [];
    for (let n = 0; n < 5; n += 1) answers.push(await new Client(running.url).get('/session'));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429, 429]);
    expect(answers.map(({ cookie }) => cookie !== null)).toEqual([true, true, true, false, false]);
    expect((await running.app.get(SessionStore).ledger.totals()).created).toBe(3);
    expect(await new Client(running.url, '192.0.2.2').statuses(1)).toEqual([200]);
  });

  it('tells what is left and when to try again', async () => {
    await start();
    const client = new Client(running.url);
    const { headers } = await client.get('/skipped');
    expect([headers.get('x-ratelimit-limit'), headers.get('x-ratelimit-remaining')]).toEqual(['3', '2']);
    await client.statuses(2, '/skipped');
    clock.advance(20_000);
    const refused = await client.get('/skipped');
    const wait = Number(refused.headers.get('retry-after'));
    expect([refused.status, wait > 39 && wait <= 45]).toEqual([429, true]);
    clock.advance(wait * 1000);
    expect(await client.statuses(4, '/skipped')).toEqual([200, 200, 200, 429]);
  });

  it('counts a request whose handler skips sessions by its network, whatever cookie it has', async () => {
    await start();
    const client = new Client(running.url);
    await client.get('/session');
    expect(await client.statuses(2)).toEqual([200, 200]);
    expect(await client.statuses(4, '/skipped')).toEqual([200, 200, 200, 429]);
  });

  it('keeps a client out for a block that is longer than the window', async () => {
    await start();
    const client = new Client(running.url);
    const post = async (): Promise<number> => (await client.get('/login', 'POST')).status;
    await client.get('/session');
    expect([await post(), await post()]).toEqual([201, 429]);
    clock.advance(599_999);
    expect(await post()).toBe(429);
    clock.advance(1);
    expect(await post()).toBe(201);
  });

  it.each([
    ['memory', [200, 200, 200, 429]],
    ['allow', [200, 200, 200, 200]],
    ['refuse', [503, 503, 503, 503]],
  ] as const)('while the store is away, with %s', async (whileAway, expected) => {
    await start({ whileAway });
    const away = new SessionsError('STORE_UNAVAILABLE', 'The store does not answer.');
    jest.spyOn(running.app.get(SessionStore).rates, 'count').mockRejectedValue(away);
    expect(await new Client(running.url).statuses(4, '/skipped')).toEqual(expected);
  });
});

describe('A thousand requests at once to two servers, at a limit of 5', () => {
  const servers: ChildProcess[] = [];
  let folder: string;
  let redis: RedisServer | null = null;

  async function start(options: SessionsModuleOptions): Promise<string> {
    const server = fork(join(import.meta.dirname, 'throttled-server.mjs'), [
      JSON.stringify(options),
      ...(redis === null ? [] : [redis.url]),
    ]);
    servers.push(server);
    const [port] = (await once(server, 'message')) as [number];
    return `http://127.0.0.1:${port}`;
  }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nest-sessions-'));
  });

  afterEach(async () => {
    const exits = servers.splice(0).map(async (server) => {
      const exit = once(server, 'exit');
      server.kill('SIGTERM');
      await exit;
    });
    await Promise.all(exits);
    await redis?.stop();
    redis = null;
    await rm(folder, { recursive: true });
  });

  it.each(['sqlite', 'redis'] as const)(
    'lets exactly 5 through on %s',
    async (kind) => {
      if (kind === 'redis') redis = await RedisServer.start();
      const common = { minFreeBytes: 0, ballastBytes: 0 };
      const urls: string[] = [];
      for (const name of ['a', 'b'])
        urls.push(await start({ ...common, storagePath: redis === null ? folder : join(folder, name) }));
      const statuses = await Promise.all(
        Array.from({ length: 1000 }, async (_, n) => (await fetch(urls[n % 2]!)).status),
      );
      const tally = {
        passed: statuses.filter((one) => one === 200).length,
        refused: statuses.filter((one) => one === 429).length,
      };
      expect(tally).toEqual({ passed: 5, refused: 995 });
    },
    60_000,
  );
});
