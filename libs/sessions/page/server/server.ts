import { adminUrl, type Parameters } from './admin-url.js';
import type { Access } from './answers.js';
import { ServerFault } from './server-fault.js';

interface PlainRequest extends Omit<RequestInit, 'headers'> {
  readonly headers?: Readonly<Record<string, string>>;
}

/** The admin routes, with the cookie of the sign-in. */
export class Server {
  private csrf = '';
  private aheadMs = 0;

  /**
   * `onSignedOut` is called by each request that the server refuses for want of a valid cookie, `onAccess` with what the server says of
   * the sign-in whenever it was asked again: the cookie may be that of another tab by then.
   */
  constructor(
    private readonly onSignedOut: () => void,
    private readonly onAccess: (access: Access) => void,
  ) {}

  /** The time of the server, to a second: ages and ends are those of its clock, not of the browser's. */
  now(): number {
    return Date.now() + this.aheadMs;
  }

  /** `null` if nobody is signed in. */
  async access(): Promise<Access | null> {
    const response = await this.fetch(adminUrl(['ui', 'me']), {});
    if (response.status === 401) return null;
    const access = await this.read<Access>(response);
    this.csrf = access.csrf;
    return access;
  }

  /** Rejects with 401 if the token is wrong, and with 429 after too many wrong ones. */
  async signIn(token: string): Promise<Access> {
    const response = await this.fetch(adminUrl(['ui']), jsonOf({ token }));
    if (!response.ok) throw await ServerFault.of(response);
    const access = await this.access();
    // A browser that takes no cookies.
    if (access === null) throw new ServerFault(401, []);
    return access;
  }

  async signOut(): Promise<void> {
    await this.read(await this.fetch(adminUrl(['ui']), { method: 'DELETE' }));
  }

  async get<Answer>(
    segments: readonly string[],
    parameters: Parameters = {},
    signal?: AbortSignal,
  ): Promise<Answer> {
    return this.checked(await this.fetch(adminUrl(segments, parameters), { ...(signal && { signal }) }));
  }

  async post<Answer>(segments: readonly string[], body: object, signal?: AbortSignal): Promise<Answer> {
    const request = jsonOf(body, { 'X-CSRF-Token': this.csrf });
    const response = await this.fetch(adminUrl(segments), { ...request, ...(signal && { signal }) });
    // Not repeated by itself: it would be the deed of whoever has signed in since.
    if (response.status === 403) await this.lookAgain();
    return this.checked(response);
  }

  /** Asks who is signed in: to be called when a connection broke, since that tells no status. */
  async lookAgain(): Promise<void> {
    try {
      const access = await this.access();
      if (access === null) this.onSignedOut();
      else this.onAccess(access);
    } catch {
      // The server is away: nothing is known.
    }
  }

  private async fetch(url: string, init: PlainRequest): Promise<Response> {
    try {
      const response = await fetch(url, {
        ...init,
        headers: { Accept: 'application/json', ...init.headers },
      });
      const date = Date.parse(response.headers.get('date') ?? '');
      if (Number.isFinite(date)) this.aheadMs = aheadBy(date);
      return response;
    } catch (error) {
      if (isAbort(error)) throw error;
      throw new ServerFault(null, []);
    }
  }

  private checked<Answer>(response: Response): Promise<Answer> {
    if (response.status === 401) this.onSignedOut();
    return this.read(response);
  }

  private async read<Answer>(response: Response): Promise<Answer> {
    if (!response.ok) throw await ServerFault.of(response);
    try {
      const text = await response.text();
      return (text === '' ? null : JSON.parse(text)) as Answer;
    } catch (error) {
      if (isAbort(error)) throw error;
      throw new ServerFault(null, []);
    }
  }
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

/** `Date` has whole seconds, and the answer took a moment: less than two seconds are no difference. */
function aheadBy(date: number): number {
  const ahead = date - Date.now();
  return Math.abs(ahead) < 2000 ? 0 : ahead;
}

function jsonOf(body: object, headers: Record<string, string> = {}): PlainRequest {
  return {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  };
}
