/** What the app answers, as far as tests read it. */
export interface ResourceAnswer {
  resource_id: string;
  type: string;
  purpose: string | null;
  file_name: string | null;
  media_type: string | null;
  size_bytes: number;
  created_at: string;
  last_used_at: string;
}

export interface SessionAnswer {
  session_id: string;
  user_id: string | null;
  can_log_in: boolean;
  created_at: string;
  expires_at: string;
  idle_expires_at: string;
  request_count: number;
  resource_count: number;
  total_bytes_used: number;
  limits: { max_resources_per_session: number; max_bytes_per_session: number };
  resources: ResourceAnswer[];
}

export interface UploadAnswer {
  resource_id: string;
  file_name: string;
  media_type: string;
  size_bytes: number;
  duration_seconds: number | null;
  codec: string;
  sample_rate: number | null;
}

export interface AdminSessionAnswer extends Omit<SessionAnswer, 'can_log_in' | 'limits'> {
  ip_address: string;
  last_activity: string;
  duration_seconds: number;
  idle_seconds: number;
}

export interface AdminListAnswer {
  sessions: AdminSessionAnswer[];
  stats: Record<string, number>;
}
