import { request as plainRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as secureRequest } from 'node:https';
import { pipeline, Readable } from 'node:stream';
import { urlToHttpOptions } from 'node:url';
import type { CookieJar } from 'tough-cookie';
import { CommandFailure, EXIT } from '../output/command-failure.js';
import { isJson, type MadeBody } from './made-body.js';
import { NoAnswer } from './no-answer.js';
import type { IdSource } from './replayed-ids.js';

/** A request to send; its path goes out as it is. */
export interface SentRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: MadeBody | null;
}

export interface Answer extends IdSource {
  readonly status: number;
  /** Whether its body came to its end; also if nobody needed it. */
  readonly isWhole: boolean;
}

type ToughCookie = typeof import('tough-cookie');

/** As in `http/token`. */
const TOKEN_HEADER = 'x-session-token';
const AGENT = 'nest-sessions-replay';
/** Without a byte in either direction. */
const SILENT_MS = 30_000;
const LONGEST_MS = 5 * 60_000;
const MOST_JSON = 1024 * 1024;

/** Sends requests to one server, with a cookie jar of its own. Follows no redirects. */
export class ReplayClient {
  private readonly jar: CookieJar;
  /** Of a server that gives its sessions' tokens in headers. */
  private bearer: string | null = null;

  private constructor(
    private readonly target: URL,
    private readonly cookies: ToughCookie,
  ) {
    // All cookies are of one host: which suffixes are public does not matter.
    this.jar = new cookies.CookieJar(undefined, { rejectPublicSuffixes: false });
  }

  /** Rejects if the optional package that keeps cookies is not installed. */
  static async create(target: URL): Promise<ReplayClient> {
    try {
      return new ReplayClient(target, await import('tough-cookie'));
    } catch (error) {
      if (!isMissing(error)) throw error;
      const message = 'replay needs the package tough-cookie: npm install tough-cookie';
      throw new CommandFailure(EXIT.failure, message, { cause: error });
    }
  }

  /** Rejects with `NoAnswer` if there is none within half a minute of silence, or when `signal` aborts. */
  send(sent: SentRequest, signal: AbortSignal): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const outgoing = this.open(sent, AbortSignal.any([signal, AbortSignal.timeout(LONGEST_MS)]));
    const progress = { reached: false, answered: false };
    const connected = this.target.protocol === 'https:' ? 'secureConnect' : 'connect';
    outgoing.once('socket', (socket) => socket.once(connected, () => (progress.reached = true)));
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer for ${SILENT_MS / 1000} s`)));
    outgoing.on('error', (error) => {
      if (!progress.answered) reject(NoAnswer.from(error, progress.reached));
    });
    // After these, Node tells of no end of the request.
    for (const other of ['upgrade', 'connect'] as const) {
      outgoing.once(other, ({ statusCode: status = 0 }, socket) => {
        socket.destroy();
        resolve({ status, location: null, json: null, isWhole: true });
      });
    }
    outgoing.once('close', () => {
      if (!progress.answered) reject(NoAnswer.from(new Error('the connection closed'), progress.reached));
    });
    outgoing.once('response', (incoming) => {
      progress.answered = true;
      this.keepTokens(incoming, sent.path);
      void answerOf(incoming, outgoing).then(resolve, reject);
    });
    // Errors of the way out are errors of the request.
    if (sent.body) pipeline(Readable.from(sent.body.chunks()), outgoing, () => {});
    else outgoing.end();
    return promise;
  }

  private open({ method, path, headers, body }: SentRequest, signal: AbortSignal): ClientRequest {
    const cookie = this.jar.getCookieStringSync(this.urlOf(path));
    const open = this.target.protocol === 'https:' ? secureRequest : plainRequest;
    return open({
      ...urlToHttpOptions(this.target),
      method,
      path,
      headers: {
        'user-agent': AGENT,
        ...headers,
        ...(cookie !== '' && { cookie }),
        ...(this.bearer !== null && { authorization: `Bearer ${this.bearer}` }),
        ...(body && { 'content-length': body.sizeBytes }),
        ...(body?.mediaType && { 'content-type': body.mediaType }),
      },
      // A connection for each request: none is closed by the server just as it is used again.
      agent: false,
      signal,
      timeout: SILENT_MS,
    });
  }

  private keepTokens({ headers }: IncomingMessage, path: string): void {
    const token = headers[TOKEN_HEADER];
    if (typeof token === 'string') this.bearer = token;
    for (const line of headers['set-cookie'] ?? []) {
      const cookie = this.cookies.Cookie.parse(line);
      if (!cookie) continue;
      // Which is another one than this target's, where a server names it.
      cookie.domain = null;
      this.jar.setCookieSync(cookie, this.urlOf(path), { ignoreError: true });
    }
  }

  private urlOf(path: string): string {
    return `${this.target.origin}${path}`;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
}

async function answerOf(incoming: IncomingMessage, outgoing: ClientRequest): Promise<Answer> {
  const { statusCode: status = 0, headers } = incoming;
  const answer = { status, location: headers.location ?? null };
  try {
    return { ...answer, json: await readJson(incoming), isWhole: true };
  } catch {
    // A server may close the connection on a body that it refuses.
    return { ...answer, json: null, isWhole: !outgoing.writableFinished };
  } finally {
    outgoing.destroy();
  }
}

/** Reads the whole body; `null` if it is no JSON. An event stream has no end, and is not read. */
async function readJson(incoming: IncomingMessage): Promise<string | null> {
  const type = (incoming.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  if (type === 'text/event-stream') return null;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (isJson(type) && bytes <= MOST_JSON) chunks.push(chunk);
  }
  return isJson(type) && bytes <= MOST_JSON ? Buffer.concat(chunks).toString() : null;
}
