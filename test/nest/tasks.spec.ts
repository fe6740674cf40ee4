import type { INestApplication } from '@nestjs/common';
import { ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import { Cleanup } from 'nest-sessions';
import { SessionStore } from 'nest-sessions/store';
import { ManualClock } from 'nest-sessions/testing';
import { ADAPTERS, startApp } from '../support/http-app.js';

const NAMES = ['sessions-cleanup-idle', 'sessions-cleanup-expired', 'sessions-cleanup-orphans'];
const INTERVAL_MS = 60_000;

describe.each(ADAPTERS)('Scheduled cleanup on %s', (adapter) => {
  it.each([
    ['in the application’s ScheduleModule', [ScheduleModule.forRoot()], NAMES],
    ['on a timer of its own without one', [], []],
  ])('runs each job once an interval, %s', async (_where, imports, scheduled) => {
    const clock = new ManualClock();
    const running = await startApp(adapter, { imports, options: { adapters: { clock } } });
    try {
      const run = jest.spyOn(running.app.get(Cleanup), 'run');
      expect(scheduledIn(running.app)).toEqual(scheduled);
      await seconds(2.2);
      expect(run).not.toHaveBeenCalled();
      clock.advance(INTERVAL_MS);
      await seconds(3.2);
      expect(run.mock.calls.map(([job]) => job).toSorted()).toEqual(['expired', 'idle', 'orphans']);
      const runs = await running.app.get(SessionStore).ledger.listRuns();
      expect(runs.map(({ runs: count }) => count)).toEqual([1, 1, 1]);
    } finally {
      await running.close();
    }
  });
});

function scheduledIn(app: INestApplication): string[] {
  try {
    return [...app.get(SchedulerRegistry, { strict: false }).getCronJobs().keys()].filter((name) =>
      NAMES.includes(name),
    );
  } catch {
    return [];
  }
}

/** The tasks tick in real seconds, whatever the clock of the sessions says. */
function seconds(count: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, count * 1000));
}
