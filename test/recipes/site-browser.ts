import { requestVerbatim, type VerbatimResponse } from '../support/verbatim-request.js';

export interface Navigation {
  readonly method?: string;
  readonly form?: Record<string, string>;
  readonly json?: object;
  /** Whether a page of another site causes the request, at the top level. */
  readonly isCrossSite?: boolean;
}

/** A browser on an https site behind a proxy: it keeps the session's cookie, and sends it as `SameSite` says. */
export class SiteBrowser {
  cookie: string | null = null;
  private sameSite = '';

  constructor(
    private readonly url: string,
    private readonly userAgent = 'test',
  ) {}

  async go(
    path: string,
    { method = 'GET', form, json, isCrossSite = false }: Navigation = {},
  ): Promise<VerbatimResponse> {
    const isSent = !isCrossSite || this.sameSite === 'none' || (this.sameSite === 'lax' && method === 'GET');
    const body = form ? String(new URLSearchParams(form)) : json && JSON.stringify(json);
    const response = await requestVerbatim(this.url, path, {
      method,
      headers: {
        'user-agent': this.userAgent,
        'x-forwarded-proto': 'https',
        'sec-fetch-site': isCrossSite ? 'cross-site' : 'same-origin',
        ...(isCrossSite && method !== 'GET' && { origin: 'https://login.example.com' }),
        ...(form && { 'content-type': 'application/x-www-form-urlencoded' }),
        ...(json && { 'content-type': 'application/json' }),
        ...(this.cookie !== null && isSent && { cookie: this.cookie }),
      },
      ...(body && { body }),
    });
    for (const line of response.headers['set-cookie'] ?? []) this.keep(line);
    return response;
  }

  async json<Value>(path: string, navigation?: Navigation): Promise<Value> {
    return JSON.parse((await this.go(path, navigation)).text) as Value;
  }

  private keep(line: string): void {
    if (!line.startsWith('__Host-sid=')) return;
    const isGone = /max-age=0/i.test(line);
    this.cookie = isGone ? null : line.split(';')[0]!;
    this.sameSite = /samesite=(\w+)/i.exec(line)?.[1]?.toLowerCase() ?? 'lax';
  }
}
