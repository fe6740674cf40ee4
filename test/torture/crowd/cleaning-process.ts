// A server without HTTP that cleans up when it is asked to, and watches its event loop meanwhile.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { finished } from 'node:stream/promises';
import { Logger } from '@nestjs/common';
import { resolveConfig } from 'nest-sessions';
import { RedisSessionStore } from 'nest-sessions/redis';
import { startCore } from '#sessions/assembly/start-core';
import type { SessionsCore } from '#sessions/core/core';
import { AnchoredClock } from '#sessions/core/clock/system-clock';
import { answerQuestions } from '../processes/answering.ts';
import { inParallel } from '../processes/in-parallel.ts';
import type { Cleaned, CleaningSetUp } from './protocol.ts';

const AT_ONCE = 20;
const BYTES = 500;
let core: SessionsCore;
let ended: string[] = [];

answerQuestions(
  {
    async start({ url, ...options }: CleaningSetUp) {
      const config = resolveConfig(options, {});
      const store = new RedisSessionStore({ url, timeoutMs: 30_000 });
      const clock = new AnchoredClock();
      core = await startCore({ config, clock, role: 'server', store, logFor: (part) => new Logger(part) });
      core.events.on('session.ended', ({ sessionId }) => ended.push(sessionId));
    },
    /** A small file for each of these sessions, on this node. */
    async upload(sessionIds: readonly string[]) {
      await inParallel(sessionIds, AT_ONCE, async (id) => {
        const sink = await core.service.createFile({ id }, { type: 'audio_file' });
        sink.end(Buffer.alloc(BYTES, 1));
        await finished(sink);
      });
    },
    async cleanUp(): Promise<Cleaned> {
      ended = [];
      const delay = monitorEventLoopDelay({ resolution: 5 });
      const cpu = process.cpuUsage();
      const startedAt = performance.now();
      delay.enable();
      const reports = [await core.cleanup.run('idle'), await core.cleanup.run('expired')];
      delay.disable();
      const { user, system } = process.cpuUsage(cpu);
      return {
        ended,
        items: reports.reduce((sum, { items }) => sum + items, 0),
        failures: reports.reduce((sum, { failures }) => sum + failures, 0),
        lastError: reports.map(({ lastError }) => lastError).find(Boolean) ?? null,
        ms: performance.now() - startedAt,
        loopP99Ms: delay.percentile(99) / 1e6,
        loopMaxMs: delay.max / 1e6,
        cpuMs: (user + system) / 1000,
      };
    },
  },
  async () => {
    await core.quiesce();
    await core.stop();
  },
);
