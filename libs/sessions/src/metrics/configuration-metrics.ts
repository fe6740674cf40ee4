import { Gauge, type Registry } from 'prom-client';
import type { SessionsCore } from '../core/core.js';
import type { DiskSpace, ProcessLimits } from '../ports/store/session-store.js';

/** Of each limit: its name, its help, and what it is divided by for the unit in the name. */
const LIMITS: readonly (readonly [keyof ProcessLimits, string, string, number])[] = [
  ['maxDurationMs', 'max_duration_seconds', 'Longest duration of a session', 1000],
  ['maxIdleMs', 'max_idle_seconds', 'Longest time of a session without activity', 1000],
  ['maxResources', 'max_resources', 'Most files of a session', 1],
  ['maxBytes', 'max_bytes', 'Most bytes of files of a session', 1],
  ['maxSessions', 'max_open', 'Most open sessions', 1],
  ['cleanupIntervalMs', 'cleanup_interval_seconds', 'Time between two runs of each cleanup job', 1000],
];

const DISK: readonly (readonly [keyof DiskSpace, string, string])[] = [
  ['freeBytes', 'disk_free_bytes', 'Bytes that are free on the disk of the storage folder'],
  ['totalBytes', 'disk_size_bytes', 'Size of the disk of the storage folder'],
  ['freeInodes', 'disk_free_inodes', 'Inodes that are free there; none where their number is not fixed'],
];

/** Registers how this process is built and configured, and the disk that it writes to. */
export function registerConfiguration(registry: Registry, { thisProcess }: SessionsCore): void {
  const registers = [registry];
  new Gauge({
    name: 'nest_sessions_build_info',
    help: 'Always 1: versions of nest-sessions and of Node.js.',
    labelNames: ['version', 'node_version'],
    registers,
  }).set({ version: thisProcess.version, node_version: process.version }, 1);
  for (const [limit, name, help, divisor] of LIMITS) {
    const configured = 'As configured in this process.';
    new Gauge({ name: `nest_sessions_${name}`, help: `${help}. ${configured}`, registers }).set(
      thisProcess.limits[limit] / divisor,
    );
  }
  for (const [figure, name, help] of DISK) {
    const gauge: Gauge = new Gauge({
      name: `nest_sessions_${name}`,
      help: `${help}. Read every 10 s; no sample for files in memory.`,
      registers,
      collect: () => {
        const value = thisProcess.disk?.[figure] ?? null;
        if (value === null) gauge.remove();
        else gauge.set(value);
      },
    });
  }
}
