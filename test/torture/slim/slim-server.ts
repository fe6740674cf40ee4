// The parts of the library that live in one server process, without Nest: it boots in a fraction of a second. It does one
// whole cleanup, says so, and once it is told to go on puts itself under load until it is killed.
import { arm } from './crash-hooks.ts';
import { SessionsCore } from '#sessions/core/core';
import { AnchoredClock } from '#sessions/core/clock/system-clock';
import { createLocalStorage } from '#sessions/storage/local/create-local-storage';
import { SqliteSessionStore } from '#sessions/stores/sqlite/sqlite-session-store';
import { once } from 'node:events';
import { flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { Journal } from './journal.ts';
import { Load } from './load.ts';
import { passTime } from './pass-time.ts';
import { DATABASE, type SlimMessage, type SlimPlan } from './slim-plan.ts';
import { watchRoot, watchStorage, watchStore } from './watched-ports.ts';

const plan = JSON.parse(process.argv[2] ?? '') as SlimPlan;
const journal = new Journal(plan.journal);
const core = await boot();
const reports = await core.cleanup.runAll({ orphanGraceMs: 0 });
const failures = reports.flatMap(({ job, lastError }) =>
  lastError === null ? [] : [`${job}: ${lastError}`],
);
const toldToGoOn = once(process, 'message');
say({ kind: 'recovered', failures });
flushCompileCache();
await toldToGoOn;
arm();
say({ kind: 'loading' });
await new Load(core, journal, plan).run();

async function boot(): Promise<SessionsCore> {
  const { folder, config } = plan;
  const complain = (message: string): void => journal.note('warning', message);
  const { storage, storageRoot } = createLocalStorage({
    root: folder,
    adoptFrom: config.adoptFrom,
    claimTo: config.claimTo,
    minFreeBytes: config.minFreeBytes,
    minFreeInodes: config.minFreeInodes,
    ballastBytes: config.ballastBytes,
    reservedNames: ['', '-wal', '-shm'].map((suffix) => DATABASE + suffix),
    onWarning: complain,
  });
  const path = join(folder, DATABASE);
  const store = new SqliteSessionStore({ path, onDiskFull: () => storageRoot.dropBallast() });
  await store.connect();
  passTime(path, plan.aheadMs);
  const quiet = (): void => {};
  const core = new SessionsCore({
    config,
    store: watchStore(store, journal),
    storage: watchStorage(storage, journal),
    storageRoot: watchRoot(storageRoot, journal),
    clock: new AnchoredClock(),
    role: 'server',
    logFor: () => ({ debug: quiet, log: quiet, warn: complain, error: complain }),
  });
  await core.start();
  return core;
}

function say(message: SlimMessage): void {
  process.send?.(message);
}
