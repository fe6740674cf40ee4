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
