const PATIENCE_MS = 30_000;

/** What came of an upload: its resource, or the status of the refusal. */
export type Uploaded = { readonly id: string; readonly status: 201 } | { readonly status: number };

/** A client with a cookie. */
export class Visitor {
  private readonly url: string;
  private cookie = '';
  sessionId = '';

  constructor(url: string) {
    this.url = url;
  }

  /** Gets a session; the status of the answer. */
  async arrive(): Promise<number> {
    const response = await this.ask('/session');
    if (response.status === 200) this.sessionId = ((await response.json()) as { id: string }).id;
    else await response.arrayBuffer();
    return response.status;
  }

  async upload(bytes: Uint8Array<ArrayBuffer>): Promise<Uploaded> {
    const form = new FormData();
    form.append('file', new File([bytes], 'a.bin'));
    const response = await this.ask('/files', { method: 'POST', body: form });
    if (response.status !== 201) {
      await response.arrayBuffer();
      return { status: response.status };
    }
    return { id: ((await response.json()) as { id: string }).id, status: 201 };
  }

  /** The bytes of a file of this session, or the status of the refusal. */
  async download(id: string): Promise<Uint8Array | number> {
    const response = await this.ask(`/files/${id}`);
    const bytes = await response.bytes();
    return response.status === 200 ? bytes : response.status;
  }

  async leave(): Promise<number> {
    const response = await this.ask('/session', { method: 'DELETE' });
    await response.arrayBuffer();
    return response.status;
  }

  async ask(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { 'user-agent': 'a visitor', ...(this.cookie && { cookie: this.cookie }) };
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const response = await fetch(`${this.url}${path}`, { ...init, headers, signal });
    const [line] = response.headers.getSetCookie();
    if (line !== undefined) this.cookie = line.split(';', 1)[0] ?? '';
    return response;
  }
}
