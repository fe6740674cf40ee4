/** Of `ui/overview`: an older or newer server may lack any of it. */

export interface Job {
  readonly last_run: string | null;
  readonly duration_seconds: number | null;
  readonly items: number | null;
  readonly failures: number | null;
  readonly next_run: string | null;
  readonly last_error?: string;
}

export interface Disk {
  readonly free_bytes: number;
  readonly total_bytes: number;
}

export interface Process {
  readonly process_id: string;
  readonly host?: string;
  readonly pid?: number;
  readonly version?: string;
  readonly role: string;
  readonly alive: boolean;
  readonly last_heard: string;
  readonly started_at?: string;
  readonly disk?: Disk | null;
}

export interface Node {
  readonly node_id: string;
  readonly state: 'here' | 'live' | 'away';
  readonly last_seen: string;
  readonly resources: number;
  readonly address: string | null;
}

/** What could not be deleted or ended in five tries. */
export interface StuckItem {
  readonly node_id: string;
  readonly item: string;
  readonly attempts: number;
  readonly next_try: string;
}

export interface Overview {
  readonly sessions?: {
    readonly active: number;
    readonly total_created: number;
    readonly total_cleaned: number;
  };
  readonly resources?: {
    readonly active: number;
    readonly active_bytes: number;
    readonly total_cleaned: number;
    readonly total_bytes_cleaned: number;
  };
  readonly limits?: {
    readonly max_session_duration: number;
    readonly max_idle_time: number;
    readonly max_resources_per_session: number;
    readonly max_bytes_per_session: number;
  };
  readonly cleanup?: Readonly<Record<string, Job>>;
  readonly due?: { readonly idle: number; readonly expired: number };
  readonly stuck?: readonly StuckItem[];
  readonly limits_differ?: boolean;
  readonly processes?: readonly Process[];
  readonly nodes?: readonly Node[];
  readonly alerts?: readonly { readonly name: string; readonly message: string }[];
  readonly clock?: {
    readonly state: string;
    readonly store_time: string;
    readonly system_time: string;
    readonly doubted_until: string | null;
  };
}
