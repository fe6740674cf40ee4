/** Requests of one client, in order: of a session's timeline, or of a HAR. */
export interface Recording {
  /** The session that made them; `null` if the HAR does not tell. */
  readonly sessionId: string | null;
  readonly requests: readonly RecordedRequest[];
  /** Requests that were left out, since the journal kept no path of them. */
  readonly withoutPath: number;
}

/** Instants are epoch milliseconds, sizes bytes. */
export interface RecordedRequest {
  readonly at: number;
  readonly durationMs: number;
  readonly method: string;
  /** Scheme and host, where they are known. */
  readonly origin: string | null;
  /** Path and query, as the client sent them. */
  readonly path: string;
  readonly body: RecordedBody | null;
  /** `null` if the client went away before the response was complete. */
  readonly status: number | null;
  /** Of the response, with its headers, where that is known. */
  readonly sentBytes: number;
  readonly responseType: string | null;
  /** Ids of the files that took their places meanwhile, in order; of its streams after them. */
  readonly placed: readonly string[];
}

export interface RecordedBody {
  /** Without parameters, but for a body that was kept. */
  readonly mediaType: string | null;
  readonly sizeBytes: number;
  /** The body itself, where a HAR has it. */
  readonly text: string | null;
}

const SAFE = new Set(['GET', 'HEAD']);

/** Whether the method promises to change nothing, and has no body. */
export function isSafe(method: string): boolean {
  return SAFE.has(method);
}
