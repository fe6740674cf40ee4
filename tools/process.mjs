// Child processes: the pinned Node and npm. Signals are forwarded to them.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const bin = join(root, 'node_modules', '.bin');

const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP'];
/** Output of intermediate steps goes to stderr: stdout is for data. */
const QUIET = ['ignore', 2, 2];

/** Runs a program, forwards signals to it, and resolves with its exit code: 128 plus the number of a signal that ended it. */
export function run(program, args, stdio = 'inherit') {
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH || ''}` };
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, env, stdio });
    const forward = (signal) => child.kill(signal);
    for (const signal of FORWARDED) process.on(signal, forward);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      for (const name of FORWARDED) process.removeListener(name, forward);
      resolve(code === null ? 128 + constants.signals[signal] : code);
    });
  });
}

export function pinnedNode(args) {
  return run(join(bin, 'node'), args);
}

/** Runs the npm that runs this script; otherwise the one on PATH. */
export function npm(args, stdio = QUIET) {
  const own = process.env.npm_execpath;
  return own ? run(process.execPath, [own, ...args], stdio) : run('npm', args, stdio);
}

/** Runs a step, and throws if its exit code is not 0. */
export async function step(title, work) {
  console.error(`${title} ...`);
  const exitCode = await work();
  if (exitCode !== 0) throw Object.assign(new Error(`${title}: failed.`), { exitCode });
}
