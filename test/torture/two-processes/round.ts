import type { CampaignContext } from '../campaign.ts';
import { RemoteServer } from '../remote/remote-server.ts';
import type { RemoteSettings } from '../remote/protocol.ts';

export interface Round extends CampaignContext {
  /** A storage root of its own. */
  readonly root: string;
  readonly rounds: number;
}

/** What another process has ended, or given a new token, is known here after so long. */
export const WITHIN_MS = 1000;

/** Two servers on one database, for as long as the work takes. */
export async function withServers<T>(
  settings: RemoteSettings,
  work: (servers: readonly [RemoteServer, RemoteServer]) => Promise<T>,
): Promise<T> {
  const first = await RemoteServer.start(settings);
  try {
    const second = await RemoteServer.start(settings);
    try {
      return await work([first, second]);
    } finally {
      await second.stop();
    }
  } finally {
    await first.stop();
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The machine's monotonic clock, in milliseconds: the same for all its processes. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
