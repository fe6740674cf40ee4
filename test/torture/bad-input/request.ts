/** One request, byte by byte. */
export interface Request {
  /** What is wrong with it, for who reads of a violation. */
  readonly what: string;
  readonly method: string;
  readonly bytes: Buffer;
  /** The client's address: any of the loopback network, each another client to the server. */
  readonly from: string;
  /**
   * `whole`: its head says truly where it ends, so that an answer is due. `broken`: the server may take it for half a
   * request, or for two, and is told that no more comes.
   */
  readonly framing: 'whole' | 'broken';
}

/** What a request is made of. All texts are bytes, one character each. */
export interface RequestParts {
  readonly what: string;
  readonly method?: string;
  readonly target?: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly body?: string;
  readonly from?: string;
}

export const CLIENT = '127.0.0.1';
/** Where whoever has the admin token sits: guesses from elsewhere must not lock it out. */
export const OPERATOR = '127.0.0.2';
export const AGENT = 'torture';

/** A request with all that HTTP asks for. Line breaks in what is given would end it early, and are dropped from its head. */
export function compose({
  what,
  method = 'GET',
  target = '/session',
  headers = [],
  body,
  from = CLIENT,
}: RequestParts): Request {
  const given = new Set(headers.map(([name]) => name.toLowerCase()));
  const all: (readonly [string, string])[] = [];
  if (!given.has('host')) all.push(['Host', 'localhost']);
  if (!given.has('user-agent')) all.push(['User-Agent', AGENT]);
  all.push(...headers);
  if (body !== undefined && !given.has('content-length')) all.push(['Content-Length', String(body.length)]);
  const lines = [`${method} ${target} HTTP/1.1`, ...all.map(([name, value]) => `${name}: ${value}`)];
  const head = lines.map((line) => line.replaceAll(/[\r\n]/g, '')).join('\r\n');
  const bytes = Buffer.from(`${head}\r\n\r\n${body ?? ''}`, 'latin1');
  return { what, method, bytes, from, framing: 'whole' };
}

/** A request that is sent as it stands. */
export function verbatim(what: string, text: string, from = CLIENT): Request {
  return {
    what,
    method: text.split(' ', 1)[0] ?? '',
    bytes: Buffer.from(text, 'latin1'),
    from,
    framing: 'broken',
  };
}
