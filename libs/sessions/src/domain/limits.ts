/** What one session may hold at any instant. */
export interface ResourceLimits {
  readonly maxResources: number;
  readonly maxBytes: number;
}

/** What a session holds: reservations of writers count as held. */
export interface Usage {
  readonly resourceCount: number;
  readonly bytesUsed: number;
}

/** Whether `count` more resources and `bytes` more bytes fit. Exactly full still fits. */
export function fits(usage: Usage, count: number, bytes: number, limits: ResourceLimits): boolean {
  return usage.resourceCount + count <= limits.maxResources && usage.bytesUsed + bytes <= limits.maxBytes;
}
