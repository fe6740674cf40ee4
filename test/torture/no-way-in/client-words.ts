import { randomBytes } from 'node:crypto';
import { compose, type RequestParts } from '../bad-input/request.ts';
import { cookieOf, TOKEN_COOKIE, visit, type Send, type Visitor } from '../bad-input/visitors.ts';
import type { Place } from './canaries.ts';

const BOUNDARY = 'words-of-a-client';

/**
 * What a client says in its requests, each word random. A handler may keep what it likes; the library keeps none of `unkept`
 * anywhere, and none of the others in timelines, logs, metrics and HARs: sessions hold their agents, users and names of files while
 * they live.
 */
export class ClientWords {
  readonly #words = {
    path: word(),
    parameter: word(),
    query: word(),
    header: word(),
    cookie: word(),
    body: word(),
    field: word(),
    fieldValue: word(),
    fileName: word(),
    agent: word(),
    user: word(),
    password: word(),
  };

  get user(): string {
    return this.#words.user;
  }

  get password(): string {
    return this.#words.password;
  }

  get #unkept(): string[] {
    const { fileName: _fileName, agent: _agent, user: _user, ...unkept } = this.#words;
    return Object.values(unkept);
  }

  /** Says all of them, as this visitor. */
  async say(send: Send, visitor: Visitor): Promise<void> {
    for (const parts of this.#requestsOf(visitor)) await send(compose(parts));
  }

  /** Logs a visitor of its own in, who stays. */
  async logIn(send: Send): Promise<Visitor> {
    const visitor = await visit(send);
    const headers = [cookieOf(visitor), ['Content-Type', 'application/json']] as const;
    const body = JSON.stringify({ user: this.user, password: this.password });
    const { answer } = await send(
      compose({ what: 'a login', method: 'POST', target: '/login', headers, body }),
    );
    const token = TOKEN_COOKIE.exec(answer?.head ?? '')?.[1];
    if (token === undefined) throw new Error(`no login: ${answer?.status}`);
    return { ...visitor, token };
  }

  /** The first word that the place must not have, as it stands there. */
  findIn({ name, bytes }: Place): string | null {
    const words = MAY_SHOW_NAMES.test(name) ? this.#unkept : Object.values(this.#words);
    return words.flatMap((each) => spellingsOf(each)).find((spelling) => bytes.includes(spelling)) ?? null;
  }

  *#requestsOf(visitor: Visitor): Generator<RequestParts> {
    const said = this.#words;
    const cookie = cookieOf(visitor);
    const multipart = ['Content-Type', `multipart/form-data; boundary=${BOUNDARY}`] as const;
    const part = (disposition: string, content: string): string =>
      `--${BOUNDARY}\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n${content}\r\n`;
    yield { what: 'a path', target: `/nothing/${said.path}`, headers: [cookie] };
    yield { what: 'a parameter', target: `/resources/${said.parameter}`, headers: [cookie] };
    yield { what: 'a query', target: `/session?word=${said.query}`, headers: [cookie] };
    yield { what: 'a header', headers: [cookie, ['X-Word', said.header]] };
    yield { what: 'another cookie', headers: [['Cookie', `${cookie[1]}; word=${said.cookie}`]] };
    yield {
      what: 'a body',
      method: 'POST',
      target: '/speech',
      headers: [cookie, ['Content-Type', 'application/json']],
      body: JSON.stringify({ text: 7, language: said.body }),
    };
    yield {
      what: 'a field that is not known',
      method: 'POST',
      target: '/audio',
      headers: [cookie, multipart],
      body: `${part(`name="${said.field}"`, said.fieldValue)}--${BOUNDARY}--\r\n`,
    };
    yield {
      what: 'a file that is refused',
      method: 'POST',
      target: '/audio',
      headers: [cookie, multipart],
      body: `${part(`name="audio"; filename="${said.fileName}.wav"`, 'no audio')}--${BOUNDARY}--\r\n`,
    };
    yield { what: 'another agent', headers: [cookie, ['User-Agent', said.agent]] };
  }
}

/** The store of live sessions, and what shows them to operators. */
const MAY_SHOW_NAMES =
  /sessions\.db|\/admin\/sessions(?:\?| |$|\/users|\/[0-9a-f-]{36}$)|nest-sessions (?:list|show)/;

function word(): string {
  return `w${randomBytes(12).toString('hex')}`;
}

/** Raw (as URLs and JSON have it too, being hexadecimal), and in base64 at any of the three offsets. */
function spellingsOf(said: string): string[] {
  const shifted = [0, 1, 2].map((offset) => {
    const text = Buffer.from('x'.repeat(offset) + said).toString('base64');
    // The first and last characters depend on the neighbours.
    return text.slice(offset === 0 ? 0 : 4, -4);
  });
  return [said, ...shifted];
}
