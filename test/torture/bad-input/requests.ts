import { NASTY_BODIES } from './cases/bodies.ts';
import { nastyCookies } from './cases/cookies.ts';
import { BROKEN_REQUESTS, NASTY_HEADERS, NASTY_HEADER_SETS } from './cases/headers.ts';
import { BOUNDARY, nastyMultipart, recording, type NastyMultipart } from './cases/multipart.ts';
import { NASTY_IDS, NASTY_QUERIES, NASTY_TARGETS } from './cases/targets.ts';
import type { Chance } from './chance.ts';
import { FRAGMENTS, mutate } from './mutation.ts';
import { compose, OPERATOR, verbatim, type Request, type RequestParts } from './request.ts';
import { hashOf } from './secrets.ts';
import { cookieOf, type Visitors } from './visitors.ts';

type Header = readonly [name: string, value: string];

const METHODS = [
  'GET',
  'GET',
  'GET',
  'POST',
  'DELETE',
  'HEAD',
  'PUT',
  'PATCH',
  'OPTIONS',
  'PROPFIND',
  'SEARCH',
  'M-SEARCH',
  'TRACE',
  'QUERY',
];
const PLAIN_TARGETS = [
  '/',
  '/page/page.js',
  '/session',
  '/health',
  '/metrics',
  '/events',
  '/live',
  '/admin/sessions',
  '/admin/sessions/metrics',
  '/admin/sessions/users',
  '/admin/sessions/audit',
  '/nothing',
];
const BODY_TARGETS = ['/speech', '/speech', '/speech', '/audio', '/session', '/admin/sessions', '/nothing'];
const UPGRADE: readonly Header[] = [
  ['Connection', 'Upgrade'],
  ['Upgrade', 'websocket'],
  ['Sec-WebSocket-Version', '13'],
  ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
];

/** Bad requests, made of good sessions: each hand-written one once, then such as chance makes of them. */
export class BadRequests {
  readonly #visitors: Visitors;
  readonly #chance: Chance;
  readonly #adminToken: string;
  readonly #multipart: readonly NastyMultipart[];

  constructor(visitors: Visitors, chance: Chance, adminToken: string, maxBytes: number) {
    this.#visitors = visitors;
    this.#chance = chance;
    this.#adminToken = adminToken;
    this.#multipart = nastyMultipart(maxBytes);
  }

  /** Never ends. */
  *http(): Generator<Request> {
    // In any order, so that a short run has some of each kind.
    yield* this.#chance.shuffled([...this.#written()]);
    for (;;) yield this.#mutated();
  }

  /** Never ends. */
  *uploads(): Generator<Request> {
    for (const written of this.#chance.shuffled(this.#multipart)) yield this.#upload(written);
    for (;;) yield this.#mutatedUpload();
  }

  *#written(): Generator<Request> {
    const [one, other] = [this.#visitors.pick(this.#chance), this.#visitors.pick(this.#chance)];
    const cookies = nastyCookies(one.token, other.token, hashOf(one.token), one.sessionId);
    for (const cookie of cookies) {
      for (const target of ['/session', `/resources/${one.resourceId}`, '/health']) {
        yield compose({ what: 'a cookie', target, headers: [['Cookie', cookie]] });
      }
      yield compose({ what: 'a cookie', target: '/live', headers: [['Cookie', cookie], ...UPGRADE] });
    }
    for (const header of NASTY_HEADERS) yield* this.#withHeaders([header]);
    for (const headers of NASTY_HEADER_SETS) yield* this.#withHeaders(headers);
    for (const query of NASTY_QUERIES) {
      const timeline = `/admin/sessions/${one.sessionId}/timeline`;
      for (const target of ['/admin/sessions', '/admin/sessions/users', '/admin/sessions/audit', timeline])
        yield this.#asOperator({ what: 'a query', target: `${target}?${query}` });
      for (const target of ['/session', '/metrics', '/health'])
        yield this.#asVisitor({ what: 'a query', target: `${target}?${query}` });
    }
    for (const id of NASTY_IDS) yield* this.#withId(id);
    for (const target of NASTY_TARGETS) {
      for (const method of ['GET', 'POST', 'HEAD']) yield this.#asVisitor({ what: 'a path', method, target });
    }
    for (const { body, headers } of NASTY_BODIES) {
      for (const target of ['/speech', '/audio'])
        yield this.#asVisitor({ what: 'a body', method: 'POST', target, headers, body });
      yield this.#asVisitor({
        what: 'a body that is not asked for',
        method: 'GET',
        target: '/session',
        headers,
        body,
      });
      yield this.#asOperator({
        what: 'a body that is not asked for',
        method: 'POST',
        target: '/admin/sessions/x/cleanup',
        headers,
        body,
      });
    }
    for (const text of BROKEN_REQUESTS) yield verbatim('broken framing', text);
    for (const fragment of FRAGMENTS)
      yield this.#asVisitor({ what: 'a fragment in a path', target: `/resources/${fragment}` });
  }

  *#withHeaders(headers: readonly Header[]): Generator<Request> {
    const { resourceId } = this.#visitors.pick(this.#chance);
    for (const target of ['/session', `/resources/${resourceId}`, '/metrics'])
      yield this.#asVisitor({ what: 'a header', target, headers });
    if (headers.some(([name]) => name === 'X-Admin-Token'))
      yield compose({ what: 'a header', target: '/admin/sessions', headers });
    else yield this.#asOperator({ what: 'a header', target: '/admin/sessions', headers });
    if (!headers.some(([name]) => name === 'Upgrade' || name === 'Connection')) {
      yield this.#asVisitor({
        what: 'a header of an upgrade',
        target: '/live',
        headers: [...UPGRADE, ...headers],
      });
    }
    yield this.#asVisitor({ what: 'a header of an event stream', target: '/events', headers });
  }

  *#withId(id: string): Generator<Request> {
    yield this.#asVisitor({ what: 'an id', target: `/resources/${id}` });
    yield this.#asVisitor({ what: 'an id', method: 'DELETE', target: `/resources/${id}` });
    yield this.#asVisitor({ what: 'an id', target: `/audio/${id}/waveform` });
    yield this.#asOperator({ what: 'an id', target: `/admin/sessions/${id}` });
    yield this.#asOperator({ what: 'an id', target: `/admin/sessions/users/${id}` });
    yield this.#asOperator({ what: 'an id', target: `/admin/sessions/${id}/timeline` });
    yield this.#asOperator({ what: 'an id', method: 'POST', target: `/admin/sessions/${id}/cleanup` });
  }

  #mutated(): Request {
    const chance = this.#chance;
    const visitor = this.#visitors.pick(chance);
    const make = chance.weighed<() => Request>([
      [24, () => this.#mutatedCookie()],
      [
        20,
        () =>
          this.#asVisitor({
            what: 'a mutated header',
            method: chance.pick(METHODS),
            target: this.#target(),
            headers: [this.#mutatedHeader()],
          }),
      ],
      [
        10,
        () =>
          this.#asOperator({
            what: 'a mutated query',
            target: `/admin/sessions?${mutate(chance.pick(NASTY_QUERIES), chance)}`,
          }),
      ],
      [
        6,
        () =>
          this.#asVisitor({
            what: 'a mutated query',
            method: chance.pick(METHODS),
            target: `${this.#target()}?${mutate(chance.pick(NASTY_QUERIES), chance)}`,
          }),
      ],
      [
        8,
        () =>
          this.#asVisitor({
            what: 'a mutated id',
            method: chance.pick(METHODS),
            target: `/resources/${mutate(chance.pick([visitor.resourceId, ...NASTY_IDS]), chance)}`,
          }),
      ],
      [
        6,
        () =>
          this.#asOperator({
            what: 'a mutated id',
            method: chance.pick(METHODS),
            target: `/admin/sessions/${mutate(chance.pick([visitor.sessionId, ...NASTY_IDS]), chance)}`,
          }),
      ],
      [
        10,
        () =>
          this.#asVisitor({
            what: 'a mutated path',
            method: chance.pick(METHODS),
            target: mutate(chance.pick([...PLAIN_TARGETS, ...NASTY_TARGETS]), chance),
          }),
      ],
      [12, () => this.#mutatedBody()],
      [
        2,
        () =>
          this.#asVisitor({
            what: 'a mutated upgrade',
            target: '/live',
            headers: [...UPGRADE, this.#mutatedHeader()],
          }),
      ],
      [2, () => verbatim('mutated framing', mutate(chance.pick(BROKEN_REQUESTS), chance))],
    ]);
    return make();
  }

  #mutatedCookie(): Request {
    const chance = this.#chance;
    const [one, other] = [this.#visitors.pick(chance), this.#visitors.pick(chance)];
    const written = nastyCookies(one.token, other.token, hashOf(one.token), one.sessionId);
    const cookie = mutate(chance.pick([`sid=${one.token}`, ...written]), chance);
    return compose({
      what: 'a mutated cookie',
      method: chance.pick(METHODS),
      target: this.#target(),
      headers: [['Cookie', cookie]],
    });
  }

  #mutatedHeader(): Header {
    const [name, value] = this.#chance.pick(NASTY_HEADERS);
    return this.#chance.oneIn(10) ? [mutate(name, this.#chance), value] : [name, mutate(value, this.#chance)];
  }

  #mutatedBody(): Request {
    const { body, headers } = this.#chance.pick(NASTY_BODIES);
    const parts = {
      method: 'POST',
      target: this.#chance.pick(BODY_TARGETS),
      headers,
      body: mutate(body, this.#chance),
    };
    return this.#asVisitor({ what: 'a mutated body', ...parts });
  }

  #mutatedUpload(): Request {
    const chance = this.#chance;
    const written = chance.oneIn(3)
      ? {
          what: 'a recording',
          body: `${recording()}--${BOUNDARY}--\r\n`,
          contentType: `multipart/form-data; boundary=${BOUNDARY}`,
        }
      : chance.pick(this.#multipart);
    // Of the longest ones a part will do: what is harmed lies at the beginning or at the end.
    const body =
      written.body.length > 100_000 && !chance.oneIn(8)
        ? written.body.slice(0, 3000) + written.body.slice(-3000)
        : written.body;
    const harmed = mutateNear(body, chance);
    return this.#upload({ ...written, body: harmed, what: `mutated: ${written.what}` });
  }

  #upload({ what, body, contentType }: NastyMultipart): Request {
    return this.#asVisitor({
      what: `an upload, ${what}`,
      method: 'POST',
      target: '/audio',
      headers: [['Content-Type', contentType]],
      body,
    });
  }

  #target(): string {
    return this.#chance.oneIn(4)
      ? `/resources/${this.#visitors.pick(this.#chance).resourceId}`
      : this.#chance.pick(PLAIN_TARGETS);
  }

  #asVisitor({ headers = [], ...parts }: RequestParts): Request {
    return compose({ ...parts, headers: [cookieOf(this.#visitors.pick(this.#chance)), ...headers] });
  }

  #asOperator({ headers = [], ...parts }: RequestParts): Request {
    return compose({ ...parts, from: OPERATOR, headers: [['X-Admin-Token', this.#adminToken], ...headers] });
  }
}

/** Harm where parsers look: in a long body, somewhere in its first or its last kilobyte. */
function mutateNear(body: string, chance: Chance): string {
  if (body.length < 2000) return mutate(body, chance);
  return chance.oneIn(2)
    ? mutate(body.slice(0, 1000), chance) + body.slice(1000)
    : body.slice(0, -1000) + mutate(body.slice(-1000), chance);
}
