import { statSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { INestApplication } from '@nestjs/common';
import { PlainTokens } from '../../../libs/sessions/dist/core/tokens/plain-tokens.js';
import { Cleanup, SessionService } from 'nest-sessions';
import { SessionStore } from 'nest-sessions/store';
import type { Handlers } from '../harness/program.ts';

const HOUR = 3_600_000;
const MANY = { maxSessions: 10_000_000, network: null };
const TOGETHER = 500;
const tokens = new PlainTokens();
const MOST_TOUCHED = 10_000;
const CLIENT = {
  ipAddress: '127.0.0.1',
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
};

/** What a server with nest-sessions can be asked for, where there are many sessions. */
export function sessionHandlers(app: INestApplication, folder: string): Handlers {
  const [service, store, cleanup] = [app.get(SessionService), app.get(SessionStore), app.get(Cleanup)];

  const seeded: string[] = [];

  /** Live sessions, whose clients came back once; the cookies of `sample` of them, spread over all. */
  async function seed(count: number, sample: number): Promise<string[]> {
    const cookies: string[] = [];
    const step = Math.max(1, Math.floor(count / sample));
    for (let start = 0; start < count; start += TOGETHER) {
      const size = Math.min(TOGETHER, count - start);
      const opened = await add(size, Date.now());
      await store.sessions.touch(opened.map(({ id }) => ({ sessionId: id, at: Date.now(), requests: 1 })));
      for (const [index, { id, token }] of opened.entries()) {
        if (seeded.length < MOST_TOUCHED) seeded.push(id);
        if ((start + index) % step === 0) cookies.push(`sid=${token.reveal()}`);
      }
    }
    return cookies;
  }

  function add(count: number, createdAt: number) {
    return Promise.all(
      Array.from({ length: count }, async () => {
        const id = randomUUID();
        const token = tokens.createFor(id);
        const times = { createdAt, expiresAt: createdAt + HOUR, idleMs: HOUR };
        await store.sessions.open({ id, tokenHash: token.hash, ...CLIENT, ...times }, MANY);
        return { id, token };
      }),
    );
  }

  /** Live sessions with so many resources each, in their buckets; the cookies of all. */
  async function seedPage(count: number, resources: number): Promise<string[]> {
    const cookies = await seed(count, count);
    for (const sessionId of seeded) {
      const described = {
        sessionId,
        type: 'stream',
        purpose: 'transcription',
        fileName: 'phrase of a visitor.webm',
      };
      const resource = {
        ...described,
        mediaType: 'audio/webm',
        sizeBytes: 0,
        processId: randomUUID(),
        nodeId: null,
      };
      await Promise.all(
        Array.from({ length: resources }, async () => {
          const id = sessionId.slice(0, 3) + randomUUID().slice(3);
          const limits = {
            maxResources: resources,
            maxStreams: resources,
            maxBytes: resources,
            onLimit: 'reject' as const,
          };
          const answer = await store.resources.reserve(
            { ...resource, id, createdAt: Date.now() },
            null,
            limits,
          );
          if (answer !== 'reserved') throw new Error(`A resource was not reserved: ${answer}`);
        }),
      );
    }
    return cookies;
  }

  return {
    seed,
    seedPage,
    /** Notes activity of them all, as if each had sent a request within one second. */
    async touchAll() {
      for (const id of seeded) service.touch({ id });
    },
    list: () => timed(() => service.list({ sort: '-last_activity', limit: 100 })),
    count: () => timed(() => service.totals()),
    cleanUp: () =>
      timed(async () => {
        for (const job of ['idle', 'expired'] as const) await cleanup.run(job);
      }),
    /** Sessions whose absolute end is over. */
    addExpired: async (count: number) => void (await add(count, Date.now() - 2 * HOUR)),
    /** Of SQLite. */
    storeBytes: () => statSync(join(folder, 'sessions.db')).size,
  };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
