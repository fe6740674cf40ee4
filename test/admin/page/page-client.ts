import { CookieJar } from 'tough-cookie';
import {
  requestVerbatim,
  type VerbatimRequest,
  type VerbatimResponse,
} from '../../support/verbatim-request.js';
import { TOKEN } from '../admin-client.js';

export const READ_TOKEN = 'a-token-that-looks-and-changes-nothing-at-all';

/** What a browser says of the page that makes it send a request. */
export const OWN_PAGE = { 'sec-fetch-site': 'same-origin' };

export interface Me {
  readonly access: 'full' | 'read';
  readonly key_id: string;
  readonly csrf: string;
  readonly expires_at: string;
}

/** A browser that shows the admin page: its jar keeps cookies for the folders that they are for. */
export class PageClient {
  readonly jar = new CookieJar();

  /** `url`: of the admin routes as the browser sees them, such as `http://127.0.0.1:5005/admin/sessions`. */
  constructor(
    private readonly url: string,
    private readonly headers: Record<string, string> = {},
  ) {}

  /** `path`: as the page names it, such as `ui/me`; empty, or a query, for the list. */
  async request(path: string, init: VerbatimRequest = {}): Promise<VerbatimResponse> {
    const url = new URL(/^\w/.test(path) ? `${this.url}/${path}` : this.url + path);
    const cookie = await this.jar.getCookieString(this.seen(url));
    const headers = { ...OWN_PAGE, ...this.headers, ...(cookie && { cookie }), ...init.headers };
    const response = await requestVerbatim(url.origin, url.pathname + url.search, { ...init, headers });
    for (const line of response.headers['set-cookie'] ?? []) await this.jar.setCookie(line, this.seen(url));
    return response;
  }

  signIn(token: string = TOKEN, init: VerbatimRequest = {}): Promise<VerbatimResponse> {
    const headers = { 'content-type': 'application/json', ...init.headers };
    return this.request('ui', { method: 'POST', body: JSON.stringify({ token }), ...init, headers });
  }

  signOut(): Promise<VerbatimResponse> {
    return this.request('ui', { method: 'DELETE' });
  }

  async me(): Promise<Me> {
    const { status, text } = await this.request('ui/me');
    if (status !== 200) throw new Error(`ui/me answered ${status}: ${text}`);
    return JSON.parse(text) as Me;
  }

  /** Name and value of the one cookie for the list. */
  async cookie(): Promise<string> {
    return this.jar.getCookieString(this.seen(new URL(this.url)));
  }

  /** Behind a proxy that says so, the connection of the browser is secure. */
  private seen(url: URL): string {
    return this.headers['x-forwarded-proto'] === 'https' ? url.href.replace(/^http:/, 'https:') : url.href;
  }
}
