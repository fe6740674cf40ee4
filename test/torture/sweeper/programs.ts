import { spawn } from 'node:child_process';
import { resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../../..');
const APP = resolve(ROOT, 'dist/main.js');
const CLI = resolve(ROOT, 'libs/sessions/dist/program/bin.js');
const WITHIN_MS = 60_000;

export interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

/** Runs the reference app, which is expected not to start, on this storage path. */
export function runApp(storagePath: string, cwd: string, home: string): Promise<Outcome> {
  return run([APP], { SESSION_STORAGE_PATH: storagePath, PORT: '0' }, cwd, home);
}

export function runCli(args: readonly string[], storagePath: string, cwd = ROOT, home = '/nowhere') {
  return run([CLI, ...args], { SESSION_STORAGE_PATH: storagePath, SESSION_BALLAST_BYTES: '0' }, cwd, home);
}

function run(
  args: readonly string[],
  settings: Readonly<Record<string, string>>,
  cwd: string,
  home: string,
): Promise<Outcome> {
  const { PATH = '' } = process.env;
  const child = spawn(process.execPath, args, {
    cwd,
    env: { PATH, HOME: home, NO_COLOR: '1', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const giveUp = setTimeout(() => child.kill('SIGKILL'), WITHIN_MS);
  return new Promise((done, fail) => {
    child.once('error', fail);
    child.once('close', (code) => {
      clearTimeout(giveUp);
      done({ code, output });
    });
  });
}
