/** Limits of one session, at any instant. */
export interface ResourceLimits {
  readonly maxResources: number;
  readonly maxBytes: number;
}

/** Usage of one session, including the reservations of files being written. */
export interface Usage {
  readonly resourceCount: number;
  readonly bytesUsed: number;
}

/** Whether `count` more resources and `bytes` more bytes fit: reaching a limit exactly does. */
export function fits(usage: Usage, count: number, bytes: number, limits: ResourceLimits): boolean {
  return usage.resourceCount + count <= limits.maxResources && usage.bytesUsed + bytes <= limits.maxBytes;
}

/** Streams of one session. */
export const MAX_STREAMS = 20;

/** Amounts that a session may hold without being near a limit. */
export interface UsageBound {
  readonly files: number;
  readonly bytes: number;
  readonly streams: number;
}

/** Who holds more than this of anything is above so many percent of a limit. */
export function shareOf({ maxResources, maxBytes }: ResourceLimits, percent: number): UsageBound {
  const of = (most: number): number => (most * percent) / 100;
  return { files: of(maxResources), bytes: of(maxBytes), streams: of(MAX_STREAMS) };
}
