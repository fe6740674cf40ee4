import type { ServerProcess } from './server-process.ts';

/** Whether an upload may be refused so where the disk takes no more. */
export function isNoRoom(status: number): boolean {
  return status === 507 || status === 503;
}

/** Health, as soon as its answer of a moment ago is no longer given. */
export async function freshHealth(server: ServerProcess): ReturnType<ServerProcess['health']> {
  await new Promise((resolve) => setTimeout(resolve, HEALTH_CACHED_MS));
  return server.health();
}

const HEALTH_CACHED_MS = 1100;
