import { latestFirst } from '../core/process/limits-in-use.js';
import type { ProcessState } from '../core/process/this-process.js';
import type { ProcessLimits } from '../ports/store/session-store.js';
import type { Overview } from './overview.js';

/** The limits that hold now. */
export interface LimitsInUse {
  /** `environment`: no server is alive, so these are those of this process. */
  readonly from: 'servers' | 'environment';
  /** Those of the server that started last, if they differ. */
  readonly limits: ProcessLimits;
  /** The servers by value, for each limit that differs between them. */
  readonly differing: ReadonlyMap<keyof ProcessLimits, ReadonlyMap<number, readonly ProcessState[]>>;
}

/** Reads from the heartbeats what the live servers are configured with. */
export function limitsInUse({ processes, limits }: Pick<Overview, 'processes' | 'limits'>): LimitsInUse {
  const servers = latestFirst(liveServers(processes));
  const [latest] = servers;
  if (latest === undefined) return { from: 'environment', limits, differing: new Map() };
  const byValue = NAMES.map((name) => [name, Map.groupBy(servers, (server) => server.limits[name])] as const);
  return {
    from: 'servers',
    limits: latest.limits,
    differing: new Map(byValue.filter(([, values]) => values.size > 1)),
  };
}

export function liveServers(processes: readonly ProcessState[]): readonly ProcessState[] {
  return processes.filter(({ role, isLive }) => role === 'server' && isLive);
}

const NAMES: readonly (keyof ProcessLimits)[] = [
  'maxDurationMs',
  'maxIdleMs',
  'maxResources',
  'maxBytes',
  'maxSessions',
  'cleanupIntervalMs',
];
