import { randomUUID } from 'node:crypto';
import { recording, BOUNDARY } from './cases/multipart.ts';
import type { Chance } from './chance.ts';
import { AGENT, CLIENT, compose, type Request, type RequestParts } from './request.ts';
import type { Exchange } from './wire.ts';

export interface Visitor {
  readonly token: string;
  readonly sessionId: string;
  readonly resourceId: string;
}

/** Sends a request on a connection of its own. */
export type Send = (request: Request) => Promise<Exchange>;

/** What a session sees of itself. */
interface SessionBody {
  readonly session_id: string;
}

export const TOKEN_COOKIE = /\r\nset-cookie: sid=([A-Za-z0-9_-]{45});/i;

/** A client that does all as it should: a session with one recording. */
export async function visit(send: Send): Promise<Visitor> {
  const begun = await expectStatus(send, { what: 'a first request' }, 200);
  const token = TOKEN_COOKIE.exec(begun.head)?.[1];
  if (token === undefined) throw new Error(`no cookie came: ${begun.head}`);
  const { session_id } = JSON.parse(begun.body) as SessionBody;
  const uploaded = await expectStatus(send, uploadOf(token), 201);
  const { resource_id } = JSON.parse(uploaded.body) as { resource_id: string };
  return { token, sessionId: session_id, resourceId: resource_id };
}

/** Whether a whole visit goes as it should, download and end too. */
export async function visitWhole(send: Send): Promise<Visitor> {
  const visitor = await visit(send);
  const headers = [cookieOf(visitor)];
  await expectStatus(send, { what: 'a download', target: `/resources/${visitor.resourceId}`, headers }, 200);
  await expectStatus(send, { what: 'an end', method: 'DELETE', headers }, 204);
  return visitor;
}

export function cookieOf({ token }: Pick<Visitor, 'token'>): readonly [string, string] {
  return ['Cookie', `sid=${token}`];
}

function uploadOf(token: string): RequestParts {
  return {
    what: 'an upload',
    method: 'POST',
    target: '/audio',
    headers: [cookieOf({ token }), ['Content-Type', `multipart/form-data; boundary=${BOUNDARY}`]],
    body: `${recording()}--${BOUNDARY}--\r\n`,
  };
}

async function expectStatus(send: Send, parts: RequestParts, status: number) {
  const { answer, kind } = await send(compose({ from: CLIENT, ...parts }));
  if (answer?.status === status) return answer;
  throw new Error(
    `${parts.what} of an honest client (${AGENT}): ${answer ? `${answer.status} ${answer.body}` : kind}`,
  );
}

/** The good sessions that bad requests are made of. They end, some of them, and others take their place. */
export class Visitors {
  readonly #visitors: Visitor[] = [];

  add(visitor: Visitor): void {
    this.#visitors.push(visitor);
  }

  pick(chance: Chance): Visitor {
    return chance.pick(this.#visitors);
  }

  /** Somebody begins a session with a bad request: from now on that may be used too. */
  replaceOne(token: string, chance: Chance): void {
    const at = chance.below(this.#visitors.length);
    this.#visitors[at] = {
      token,
      sessionId: this.#visitors[at]?.sessionId ?? randomUUID(),
      resourceId: randomUUID(),
    };
  }
}
