/** What the admin routes answer, as far as the page reads it. Times are ISO 8601, durations seconds, sizes bytes. */

export interface Access {
  readonly access: 'full' | 'read';
  readonly key_id: string;
  readonly csrf: string;
  readonly expires_at: string;
}

export interface Resource {
  readonly resource_id: string;
  readonly type: string;
  readonly purpose: string | null;
  readonly file_name: string | null;
  readonly media_type: string | null;
  readonly size_bytes: number;
  readonly created_at: string;
  readonly last_used_at: string;
}

export interface LiveSession {
  readonly session_id: string;
  readonly user_id: string | null;
  readonly ip_address: string;
  readonly created_at: string;
  readonly last_activity: string;
  readonly duration_seconds: number;
  readonly idle_seconds: number;
  readonly request_count: number;
  readonly resource_count: number;
  readonly total_bytes_used: number;
  readonly share_of_limit?: number;
  readonly expires_at?: string;
  readonly idle_expires_at?: string;
}

export interface Use {
  readonly used: number;
  readonly max: number;
  readonly used_percent: number;
}

export interface SessionDetail extends LiveSession {
  readonly state?: undefined;
  readonly user_agent: string;
  readonly incoming: { readonly resources: number; readonly bytes: number };
  readonly resources: readonly Resource[];
  readonly limits?: Readonly<Partial<Record<string, Use>>>;
}

export interface PastSession {
  readonly session_id: string;
  readonly state: 'ending' | 'ended';
  readonly created_at: string;
  readonly ended_at: string | null;
  readonly end_reason: string | null;
  readonly ended_by: Actor | null;
  readonly duration_seconds: number | null;
  readonly request_count: number | null;
  readonly resource_count: number | null;
  readonly total_bytes_used: number | null;
}

export interface Stats {
  readonly total_sessions_created: number;
  readonly total_sessions_cleaned: number;
  readonly active_sessions: number;
}

export interface SessionList {
  readonly sessions: readonly (LiveSession | PastSession)[];
  readonly stats?: Stats;
  readonly next_cursor?: string;
}

/** Pushed while the list is open. */
export interface Totals {
  readonly active: number;
}

export type Actor =
  | { readonly kind: 'client' | 'app' }
  | { readonly kind: 'job'; readonly job: string; readonly host: string; readonly pid: number }
  | { readonly kind: 'limit'; readonly option: string }
  | { readonly kind: 'admin'; readonly key_id: string }
  | { readonly kind: 'cli'; readonly user: string; readonly host: string };

/** Its facts depend on the kind. */
export interface TimelineEntry {
  readonly at: string;
  readonly kind: string;
  readonly by: Actor | null;
  readonly [fact: string]: unknown;
}

export interface TimelinePage {
  readonly state: 'live' | 'ending' | 'ended';
  readonly entries: readonly TimelineEntry[];
  readonly next_cursor?: string;
}

export interface User {
  readonly user_id: string;
  readonly sessions: number;
  readonly resources: number;
  readonly bytes: number;
  readonly quota: {
    /** `null`: there is no limit; so of the others. */
    readonly max_sessions: number | null;
    readonly max_resources: number | null;
    readonly max_bytes: number | null;
  };
}

export interface UserList {
  readonly users: readonly User[];
  readonly next_cursor?: string;
}

export interface TrendFigures {
  readonly opened: number;
  readonly logins: number;
  readonly ended: Readonly<Record<string, number>>;
  readonly evicted: number;
  readonly bytes: Readonly<Record<string, number>>;
  readonly requests: number;
  readonly refused: Readonly<Record<string, number>>;
  readonly refused_files: Readonly<Record<string, number>>;
  readonly peak_open: number;
  readonly durations: {
    readonly p50_ms: number | null;
    readonly p90_ms: number | null;
    readonly p99_ms: number | null;
  };
}

export interface Trends {
  readonly span: 'minute' | 'hour' | 'day';
  readonly from: string;
  readonly to: string;
  readonly points: readonly ({ readonly start: string } & TrendFigures)[];
  readonly totals: TrendFigures;
}

export interface AuditEntry {
  readonly at: string;
  readonly deed: string;
  readonly by: Actor;
  readonly subject: string | null;
  readonly outcome: string;
  readonly sessions: number;
  readonly resources: number;
  readonly bytes: number;
}

export interface AuditPage {
  readonly entries: readonly AuditEntry[];
  readonly wrong_tokens?: readonly {
    readonly network: string;
    readonly minute: string;
    readonly count: number;
  }[];
  readonly next_cursor?: string;
}

export interface BulkReport {
  readonly matched: number;
  /** Of a dry run. */
  readonly session_ids?: readonly string[];
  readonly cleaned: number;
  readonly failed: readonly { readonly session_id: string; readonly code: string }[];
  readonly resources: number;
  readonly bytes: number;
  readonly as_of: string;
  /** Failures beyond those in `failed`. */
  readonly failed_unlisted?: number;
  /** The run stopped before it had tried every session. */
  readonly stopped?: boolean;
  /** What other nodes delete later. */
  readonly pending?: {
    readonly resources: number;
    readonly bytes: number;
    readonly nodes: readonly string[];
  };
}
