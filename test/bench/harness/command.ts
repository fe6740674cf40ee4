import { spawnSync } from 'node:child_process';

export interface Ran {
  readonly ms: number;
  /** User and system time of the command and its children. */
  readonly cpuMs: number;
}

/** Runs a command to its end, with nothing of its output kept; throws where it fails. */
export function runCommand(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Ran {
  const startedAt = performance.now();
  // The shell is what tells the CPU time of its children.
  const ran = spawnSync('sh', ['-c', '"$@" >/dev/null; code=$?; times; exit $code', 'sh', command, ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ms = performance.now() - startedAt;
  if (ran.status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${ran.stderr}`);
  const children = ran.stdout.trim().split('\n').at(-1) ?? '';
  const cpuMs = [...children.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, seconds]) => sum + (Number(minutes) * 60 + Number(seconds)) * 1000,
    0,
  );
  return { ms, cpuMs };
}
