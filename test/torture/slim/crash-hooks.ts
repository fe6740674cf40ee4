// Counts how often a process passes its crash points, and kills it at the one that is planned. Loaded before anything of
// the library, in the main thread and in each thread that the library starts, so that the library itself needs no hooks.
import fs from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { basename } from 'node:path';
import { DatabaseSync, StatementSync } from 'node:sqlite';
import workerThreads from 'node:worker_threads';
import { CRASH_PLAN, NO_SYNC, type CrashPlan } from './slim-plan.ts';

type Method = (this: unknown, ...args: unknown[]) => unknown;

const planned = process.env[CRASH_PLAN];
const plan = planned === undefined ? null : (JSON.parse(planned) as CrashPlan);
const neverDurable = process.env[NO_SYNC] !== undefined;
/** One flag for all threads: whether the server has come so far that passing a point counts. */
const armed = sharedFlag();
let passed = 0;

if (plan?.armed === 'boot') arm();
if (plan !== null || neverDurable) await install();

/** From now on passing the planned point counts. */
export function arm(): void {
  Atomics.store(armed, 0, 1);
}

/** Does the work, with a crash point before it and one after it. */
export function around<T>(name: string, work: () => T): T {
  pass(`before ${name}`);
  const result = work();
  if (result instanceof Promise) {
    return result.then((value: unknown) => {
      pass(`after ${name}`);
      return value;
    }) as T;
  }
  pass(`after ${name}`);
  return result;
}

function pass(point: string): void {
  if (point !== plan?.point || Atomics.load(armed, 0) === 0) return;
  passed += 1;
  if (passed === plan.nth) process.kill(process.pid, 'SIGKILL');
}

async function install(): Promise<void> {
  const handles = new WeakMap<object, string>();
  const kindOf = (handle: unknown): string => handles.get(handle as object) ?? 'other';

  const { open } = promises;
  promises.open = async (path, flags, mode) => {
    const kind = nameKind(path);
    const isNew = typeof flags === 'number' ? (flags & fs.constants.O_CREAT) !== 0 : flags === 'wx';
    const handle = await (isNew
      ? around(`create ${kind}`, () => open(path, flags, mode))
      : open(path, flags, mode));
    handles.set(handle, kind);
    return handle;
  };
  for (const name of ['rename', 'unlink', 'mkdir', 'rmdir', 'link'] as const) {
    wrap(promises, name, (_self, [path]) => `${name} ${nameKind(path)}`);
  }
  const probe = await open('/dev/null');
  const prototype: object = Object.getPrototypeOf(probe);
  await probe.close();
  for (const name of ['datasync', 'sync', 'writeFile', 'writev'] as const) {
    wrap(prototype, name, (self) => `${name} ${kindOf(self)}`);
    if (neverDurable && name.endsWith('sync')) skipUnderLoad(prototype, name);
  }
  // Only the threads use these: the one of the trash, and the one of the database.
  for (const name of ['unlinkSync', 'rmdirSync', 'linkSync', 'rmSync'] as const) {
    wrap(fs, name, (_self, [path]) => `${name} ${nameKind(path)}`);
  }
  for (const name of ['run', 'get'] as const) {
    wrap(StatementSync.prototype, name, (self) => `sql ${(self as StatementSync).sourceSQL}`);
  }
  wrap(DatabaseSync.prototype, 'exec', (_self, [sql]) => `sql ${String(sql).trim().split('\n')[0]}`);
  passPlanToThreads();
  syncBuiltinESMExports();
}

function wrap(
  owner: object,
  method: string,
  nameOf: (self: unknown, args: readonly unknown[]) => string,
): void {
  const original = Reflect.get(owner, method) as Method;
  Reflect.set(owner, method, function (this: unknown, ...args: unknown[]) {
    return around(nameOf(this, args), () => Reflect.apply(original, this, args));
  });
}

function skipUnderLoad(owner: object, method: string): void {
  const original = Reflect.get(owner, method) as Method;
  Reflect.set(owner, method, function (this: unknown) {
    return Atomics.load(armed, 0) === 1 ? Promise.resolve() : Reflect.apply(original, this, []);
  });
}

/** What a path is of, by its last name alone: paths in open folders begin with a number. */
function nameKind(path: unknown): string {
  const name = basename(String(path));
  if (/^[0-9a-f]{32}\.part$/.test(name)) return 'part';
  if (/^[0-9a-f]{32}\.link$/.test(name)) return 'linked';
  if (/^[0-9a-f]{32}$/.test(name)) return 'id';
  if (/^[0-9a-f]{2}$/.test(name)) return 'shard';
  if (/^\.nest-sessions\.json\..+\.tmp$/.test(name)) return 'marker draft';
  if (/^sessions\.db\..+-.+$/.test(name)) return 'database draft';
  if (/^\.[0-9a-f]{32}\.claim$/.test(name)) return 'claim draft';
  if (/^[0-9a-f]{32}-[0-9a-f]{32}\.note$/.test(name)) return 'claim note';
  if (name.endsWith('-claims')) return 'claim folder';
  if (name.startsWith('source-')) return 'source';
  return name;
}

/** The library's threads start without our arguments; they get this very file, and the flag. */
function passPlanToThreads(): void {
  const { Worker } = workerThreads;
  workerThreads.Worker = class extends Worker {
    constructor(file: string | URL, options: workerThreads.WorkerOptions = {}) {
      super(file, {
        ...options,
        execArgv: [...(options.execArgv ?? process.execArgv), '--import', import.meta.url],
        workerData: { ...(options.workerData as object), crashArmed: armed },
      });
    }
  };
}

function sharedFlag(): Int32Array<SharedArrayBuffer> {
  const given: unknown = workerThreads.workerData;
  if (typeof given === 'object' && given !== null && 'crashArmed' in given) {
    return given.crashArmed as Int32Array<SharedArrayBuffer>;
  }
  return new Int32Array(new SharedArrayBuffer(4));
}
