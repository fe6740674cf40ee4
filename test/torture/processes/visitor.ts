import { Agent, request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** A client of a server, at an address of its own, that keeps the cookie it is given and its connection. */
export class Visitor {
  readonly port: number;
  readonly address: string;
  cookie = '';
  private readonly more: Readonly<Record<string, string>>;
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 4 });

  constructor(port: number, address: string, more: Readonly<Record<string, string>> = {}) {
    this.port = port;
    this.address = address;
    this.more = more;
  }

  /** One that has begun a session; its id too. */
  static async begin(port: number, address: string): Promise<{ visitor: Visitor; sessionId: string }> {
    const visitor = new Visitor(port, address);
    return { visitor, sessionId: await visitor.sessionId() };
  }

  get headers(): Record<string, string> {
    return {
      'user-agent': 'torture',
      'x-forwarded-for': this.address,
      ...this.more,
      ...(this.cookie === '' ? {} : { cookie: this.cookie }),
    };
  }

  /** The same client at another server, with the cookie that it has now. */
  at(port: number): Visitor {
    const other = new Visitor(port, this.address, this.more);
    other.cookie = this.cookie;
    return other;
  }

  /** The id of the session that a request has now; an answer may begin a new one. */
  async sessionId(): Promise<string> {
    const { body } = await this.fetch('GET', '/session');
    return (JSON.parse(body.toString()) as { id: string }).id;
  }

  fetch(method: string, path: string, body?: Buffer, type = 'application/json'): Promise<Answer> {
    const headers = body === undefined ? this.headers : { ...this.headers, 'content-type': type };
    const { port, agent } = this;
    return new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port, path, method, headers, agent }, (response) => {
        this.takeCookie(response);
        readAll(response).then(resolve, reject);
      });
      sent.once('error', reject);
      sent.end(body);
    });
  }

  /** Uploads one file; the id of its resource, or the status that refused it. */
  async upload(bytes: Buffer): Promise<string | number> {
    const { status, body } = await this.fetch('POST', '/files', multipart(bytes), MULTIPART);
    return status === 201 ? (JSON.parse(body.toString()) as { id: string }).id : status;
  }

  close(): void {
    this.agent.destroy();
  }

  private takeCookie({ headers }: IncomingMessage): void {
    const line = headers['set-cookie']?.find((candidate) => candidate.startsWith('sid='));
    if (line !== undefined) this.cookie = line.split(';', 1)[0] ?? '';
  }
}

const BOUNDARY = 'torture-boundary';
export const MULTIPART = `multipart/form-data; boundary=${BOUNDARY}`;

/** A body with one file. */
export function multipart(bytes: Buffer): Buffer {
  return Buffer.concat([
    Buffer.from(
      `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n`,
    ),
    bytes,
    Buffer.from(`\r\n--${BOUNDARY}--\r\n`),
  ]);
}

async function readAll(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) };
}
