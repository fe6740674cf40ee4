// A process that keeps sessions with files, and deletes or sweeps them.
import { readdirSync } from 'node:fs';
import { join, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { Cleanup, SessionService, SessionsModule } from 'nest-sessions';
import { SessionStore, StorageRoot } from 'nest-sessions/store';
import { addSessionWithFiles } from './harness/file-tree.ts';
import { LoopWatch } from './harness/loop-watch.ts';
import { answer, givenSetup } from './harness/program.ts';
import { moduleOf } from './servers/nest-app.ts';

const TOGETHER = 100;

const { folder } = givenSetup() as { readonly folder: string };
const module = SessionsModule.forRoot({
  storagePath: folder,
  maxSessions: 10_000_000,
  cleanupIntervalSeconds: 86_400,
  adapters: { role: 'server' },
});
const app = await NestFactory.createApplicationContext(moduleOf([], [module]), { logger: ['error'] });
const [service, store, cleanup] = [app.get(SessionService), app.get(SessionStore), app.get(Cleanup)];
const nodeId = app.get(StorageRoot).id;
const watch = new LoopWatch();
let sessions: string[] = [];

answer(
  {
    async add(count: number, files: number, bytes: number) {
      for (let start = 0; start < count; start += 8) {
        const some = Array.from({ length: Math.min(8, count - start) }, () =>
          addSessionWithFiles(store, nodeId, folder, files, bytes),
        );
        sessions.push(...(await Promise.all(some)));
      }
    },

    /** Ends them all, as a cleanup does, and waits until the last file is gone. */
    async endAll() {
      const [due, startedAt] = [sessions, performance.now()];
      sessions = [];
      watch.begin();
      for (let start = 0; start < due.length; start += TOGETHER) {
        await Promise.all(due.slice(start, start + TOGETHER).map((id) => service.end({ id })));
      }
      const endedMs = performance.now() - startedAt;
      while (readdirSync(join(folder, 'trash')).length > 0) await sleep(5);
      while ((await store.ledger.totals()).ending > 0) await sleep(5);
      const ms = performance.now() - startedAt;
      const loop = watch.end();
      const left = readdirSync(join(folder, 's'), { recursive: true }).filter((name) => name.includes(sep));
      if (left.length > 0)
        throw new Error(`${left.length} files and folders of ended sessions are still there.`);
      return { endedMs, ms, loop };
    },

    async sweep() {
      const memoryBefore = process.memoryUsage.rss();
      const startedAt = performance.now();
      let memory = 0;
      const timer = setInterval(() => (memory = Math.max(memory, process.memoryUsage.rss())), 50);
      watch.begin();
      const report = await cleanup.run('orphans');
      const loop = watch.end();
      clearInterval(timer);
      return { ms: performance.now() - startedAt, loop, memoryBefore, memory, files: report.sweep?.files };
    },
  },
  () => app.close(),
);
