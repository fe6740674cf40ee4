import { Logger, type INestApplication } from '@nestjs/common';
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

describe('A scheduled task', () => {
  it('that fails writes one line of the module’s log, none to the console, and is called again', async () => {
    const raw = [jest.spyOn(console, 'warn'), jest.spyOn(console, 'error')];
    const scheduler = jest.spyOn(Logger.prototype, 'error').mockImplementation();
    const running = await startApp('express', { imports: [ScheduleModule.forRoot()] });
    try {
      const runIfDue = jest
        .spyOn(running.app.get(Cleanup), 'runIfDue')
        .mockRejectedValueOnce(new Error('the clock stands still'))
        .mockResolvedValue();
      await seconds(2.2);
      expect(runIfDue.mock.calls.length).toBeGreaterThan(3);
      expect(scheduler.mock.calls).toEqual([
        [expect.stringMatching(/^The scheduled cleanup job \w+ failed: Error: the clock stands still$/)],
      ]);
      // A second that begins while cron computes its time.
      for (const name of NAMES) {
        const job = running.app.get(SchedulerRegistry, { strict: false }).getCronJob(name);
        await job.stop();
        const next = job.cronTime.sendAt.bind(job.cronTime);
        let asked = 0;
        const sendAt = () => {
          asked += 1;
          return asked === 1 ? job.nextDate().minus(2000) : next();
        };
        Object.assign(job.cronTime, { sendAt });
        job.start();
      }
      for (const written of raw) expect(written).not.toHaveBeenCalled();
    } finally {
      await running.close();
      jest.restoreAllMocks();
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
