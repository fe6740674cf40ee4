import type { ResourceLimits } from '../../domain/limits.js';
import type { SessionsConfig } from '../config/config.js';
import type { ProcessState, ThisProcess } from './this-process.js';

/**
 * The limits that sessions are held to: those of this server; of a command, those of the live server that started last, or its own if
 * there is none. How many streams a session may have is in no heartbeat: that is as configured here.
 */
export async function resourceLimitsInUse({
  config,
  thisProcess,
}: {
  readonly config: Pick<SessionsConfig, 'limits'>;
  readonly thisProcess: ThisProcess;
}): Promise<ResourceLimits> {
  if (thisProcess.isServer) return config.limits;
  const [latest] = latestFirst(await thisProcess.listOtherServers());
  if (latest === undefined) return config.limits;
  const { maxResources, maxBytes } = latest.limits;
  return { ...config.limits, maxResources, maxBytes };
}

/** By their start. Where the limits of servers differ, those of the first count. */
export function latestFirst(servers: readonly ProcessState[]): ProcessState[] {
  return servers.toSorted((a, b) => b.startedAt - a.startedAt);
}
