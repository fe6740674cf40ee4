import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { join } from 'node:path';

/** One core for whoever serves, another for whoever asks. */
export const SERVER_CORE = 0;
export const CLIENT_CORE = 1;

const canPin = availableParallelism() > CLIENT_CORE && spawnSync('taskset', ['-c', '0', 'true']).status === 0;

/** What stands before a command that is to keep to one core; nothing where that cannot be had. */
export function taskset(core: number): string[] {
  return canPin ? ['taskset', '-c', String(core)] : [];
}

export function describeMachine(): string {
  const pinned = canPin ? 'server and client on a core each' : 'server and client not pinned';
  const load = loadavg()[0]?.toFixed(2) ?? '?';
  return `Node.js ${process.versions.node}, ${cpus()[0]?.model.trim() ?? 'unknown CPU'}, ${pinned}, load ${load} at the start`;
}

/** `name version`, of a package as it is installed here. */
export function versionOf(name: string): string {
  const paths = createRequire(import.meta.url).resolve.paths(name) ?? [];
  for (const path of paths) {
    const text = read(join(path, name, 'package.json'));
    if (text !== null) return `${name} ${(JSON.parse(text) as { version: string }).version}`;
  }
  return `${name} (not installed)`;
}

/** CPU time of another process so far, in microseconds; `null` where the system does not tell. */
export function cpuTimeOf(pid: number): number | null {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === null) return null;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // User and system time, in ticks of a hundredth of a second.
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
