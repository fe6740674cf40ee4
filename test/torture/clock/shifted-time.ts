// Preloaded into a server and into commands: the wall clock that they see, and what the kernel says of the machine's sleep,
// are set by a file, at any moment; the boot and the time since it, as they start. Time stamps of files stay those of the
// machine.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import type { MachineTime } from './machine.ts';

const BOOT_ID = '/proc/sys/kernel/random/boot_id';
const LOOK_EVERY_NS = 2_000_000n;

const path = process.env['TORTURE_TIME_FILE'] ?? '';
const realDate = Date;
const realHrtime = process.hrtime.bigint.bind(process.hrtime);
const realRead = fs.readFileSync;

let time = read();
let lookedAt = realHrtime();
const { bootId, bootedAtMs } = time;
const bootedAt = BigInt(Math.round(bootedAtMs * 1e6));

function read(): MachineTime {
  return JSON.parse(realRead(path, 'utf8')) as MachineTime;
}

function wallNow(): number {
  if (realHrtime() - lookedAt > LOOK_EVERY_NS) {
    time = read();
    lookedAt = realHrtime();
  }
  return realDate.now() + time.wallShiftMs + time.sleptMs;
}

globalThis.Date = new Proxy(realDate, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length > 0 ? args : [wallNow()], newTarget),
  apply: () => new realDate(wallNow()).toString(),
  get: (target, name) => (name === 'now' ? wallNow : Reflect.get(target, name, target)),
});

const hrtime = (): bigint => realHrtime() - bootedAt;
process.hrtime.bigint = hrtime;

/** In seconds, sleep included. */
function uptime(): number {
  return Number(hrtime()) / 1e9 + time.sleptMs / 1000;
}

/** As the kernel writes them: the wall time of the boot moves with the wall clock. */
const FILES: Readonly<Record<string, () => string>> = {
  [BOOT_ID]: () => bootId,
  '/proc/uptime': () => `${(Math.floor(uptime() * 100) / 100).toFixed(2)} 0.00\n`,
  '/proc/stat': () => `cpu 0 0 0 0\nbtime ${Math.floor(wallNow() / 1000 - uptime())}\n`,
};

fs.readFileSync = new Proxy(realRead, {
  apply: (target, self, args) => FILES[String(args[0])]?.() ?? Reflect.apply(target, self, args),
});
syncBuiltinESMExports();
