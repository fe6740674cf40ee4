import type { Chance } from '../bad-input/chance.ts';
import { mutate } from '../bad-input/mutation.ts';
import { compose, type Request } from '../bad-input/request.ts';
import type { Visitor } from '../bad-input/visitors.ts';
import { spellings } from './spellings.ts';
import { StrangersHeaders, type AdminSecrets, type Header } from './strangers-headers.ts';

/** Each stranger knocks so often: after ten failures in a minute the door would not even be tried. */
const KNOCKS = 8;

const METHODS = (
  'GET HEAD POST PUT PATCH DELETE OPTIONS TRACE CONNECT PROPFIND SEARCH QUERY REPORT MOVE COPY LINK PURGE LOCK ' +
  'MKCOL M-SEARCH SUBSCRIBE REBIND ACL get Get GETT FOO'
).split(' ');

/** Requests for what only operators may see or do, in every spelling, from people who are none. */
export class AdminVariants {
  readonly #secrets: AdminSecrets;
  readonly #visitors: readonly Visitor[];
  readonly #chance: Chance;
  readonly #headers: StrangersHeaders;
  #knocks = 0;

  constructor(secrets: AdminSecrets, visitors: readonly Visitor[], chance: Chance) {
    this.#secrets = secrets;
    this.#visitors = visitors;
    this.#chance = chance;
    this.#headers = new StrangersHeaders(secrets, visitors, chance);
  }

  /** Never ends: each written one once, then such as chance puts together. */
  *requests(): Generator<Request> {
    yield* this.#chance.shuffled([...this.#written()]);
    for (;;) {
      const [method, path] = this.#chance.pick(this.#routes());
      const spelt = this.#chance.oneIn(3)
        ? `/admin${mutate(path.slice(6), this.#chance)}`
        : this.#chance.pick(spellings(path));
      const headers = this.#chance.pick(this.#headers.all(path));
      yield this.#from(this.#chance.oneIn(2) ? method : this.#chance.pick(METHODS), spelt, headers);
    }
  }

  *#written(): Generator<Request> {
    for (const [method, path] of this.#routes()) {
      for (const spelling of spellings(path)) yield this.#from(method, spelling, []);
      for (const other of METHODS) yield this.#from(other, path, []);
      for (const headers of this.#headers.all(path)) yield this.#from(method, path, headers);
      for (const query of this.#queries()) yield this.#from(method, `${path}?${query}`, []);
      yield this.#withBody(path);
    }
    for (const headers of this.#headers.disguises()) yield this.#from('GET', '/nothing', headers);
  }

  #routes(): [method: string, path: string][] {
    const { sessionId } = this.#chance.pick(this.#visitors);
    return [
      ['GET', '/admin/sessions'],
      ['GET', '/admin/sessions/metrics'],
      ['GET', '/admin/sessions/users'],
      ['GET', '/admin/sessions/users/anna'],
      ['GET', '/admin/sessions/audit'],
      ['GET', `/admin/sessions/${sessionId}`],
      ['GET', `/admin/sessions/${sessionId}/timeline`],
      ['POST', `/admin/sessions/${sessionId}/cleanup`],
    ];
  }

  #queries(): string[] {
    const { adminToken } = this.#secrets;
    const names = [
      'X-Admin-Token',
      'x-admin-token',
      'token',
      'admin_token',
      'access_token',
      'headers[x-admin-token]',
    ];
    return [
      ...names.map((name) => `${name}=${adminToken}`),
      '_method=GET',
      'method=POST',
      'admin=true',
      'debug=1',
    ];
  }

  #withBody(path: string): Request {
    const { adminToken } = this.#secrets;
    return compose({
      what: 'the token in a form',
      method: 'POST',
      target: path,
      headers: [['Content-Type', 'application/x-www-form-urlencoded']],
      body: `X-Admin-Token=${adminToken}&_method=GET`,
      from: this.#stranger(),
    });
  }

  #from(method: string, target: string, headers: readonly Header[]): Request {
    return compose({ what: 'a stranger', method, target, headers, from: this.#stranger() });
  }

  /** Every eight requests come from an address that nobody used before. */
  #stranger(): string {
    const number = Math.floor(this.#knocks++ / KNOCKS);
    return `127.${1 + (number >> 14)}.${(number >> 7) & 127}.${1 + (number & 127)}`;
  }
}
