import { createHash } from 'node:crypto';
import { requestVerbatim, type VerbatimRequest, type VerbatimResponse } from '../support/verbatim-request.js';

export const TOKEN = 'an-operator-token-of-32-characters-or-more';
/** How the audit names the token. */
export const KEY_ID = createHash('sha256').update(TOKEN).digest('hex').slice(0, 8);

/** Sends an operator's requests. Default: with the valid token. */
export class AdminClient {
  constructor(
    private readonly url: string,
    private readonly token: string | null = TOKEN,
  ) {}

  request(path: string, init: VerbatimRequest = {}): Promise<VerbatimResponse> {
    const headers = { ...(this.token !== null && { 'X-Admin-Token': this.token }), ...init.headers };
    return requestVerbatim(this.url, path, { ...init, headers });
  }

  /** The JSON of a 200. */
  async read<Body>(path: string): Promise<Body> {
    const { status, text } = await this.request(path);
    if (status !== 200) throw new Error(`${path} answered ${status}: ${text}`);
    return JSON.parse(text) as Body;
  }

  /** Sends JSON; a text goes out as it is. */
  post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<VerbatimResponse> {
    return this.request(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  }

  cleanup(id: string): Promise<VerbatimResponse> {
    return this.request(`/admin/sessions/${id}/cleanup`, { method: 'POST' });
  }
}

export interface SessionList {
  readonly sessions: {
    session_id: string;
    user_id: string | null;
    created_at: string;
    last_activity: string;
    request_count: number;
  }[];
  readonly stats: Record<string, number>;
  readonly next_cursor?: string;
}

/** Node answers 431 to an oversized head and closes the connection, which can overtake its answer. */
export async function statusOrReset(answer: Promise<VerbatimResponse>): Promise<number> {
  try {
    return (await answer).status;
  } catch (error) {
    // Node's errors are not `instanceof` jest's `Error`.
    if (/ECONNRESET|EPIPE/.test(String(error))) return 431;
    throw error;
  }
}
