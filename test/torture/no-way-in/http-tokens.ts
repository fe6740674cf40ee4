import { setTimeout as wait } from 'node:timers/promises';
import { AppServer, type AdapterName } from '../bad-input/app-server.ts';
import { Chance } from '../bad-input/chance.ts';
import { sender } from '../bad-input/http-attack.ts';
import { compose, OPERATOR } from '../bad-input/request.ts';
import { hashOf } from '../bad-input/secrets.ts';
import { cookieOf, TOKEN_COOKIE, visit, type Send, type Visitor } from '../bad-input/visitors.ts';
import type { CampaignContext } from '../campaign.ts';
import { forgeriesOf } from './forgeries.ts';
import { inParallel } from '../processes/in-parallel.ts';

/** Of all that is forged in process, so much goes over HTTP too, on each adapter. */
const ONE_IN = 50;
/** Of one token, roughly. */
const FORGERIES = 570;
const AT_ONCE = 16;
const LIFETIME_SECONDS = 2;
/** What HTTP itself takes off the ends of a value, or cuts it at, is not told apart from what was sent without it. */
const UNSENDABLE = /[\r\n\0]/;

/** Some of the forged tokens, and those of sessions that were ended, as cookies. How many. */
export async function presentTokensOverHttp(
  adapter: AdapterName,
  port: number,
  adminToken: string,
  context: CampaignContext,
): Promise<number> {
  const attack = new CookieAttack(adapter, sender(port), context);
  const chance = new Chance(context.random);
  const owners = await attack.visitors(Math.ceil(context.count / 20));
  const forgeries = owners
    .flatMap(({ token, sessionId }) => forgeriesOf(token, sessionId))
    .filter((text) => !UNSENDABLE.test(text));
  const chosen = chance.shuffled(forgeries).slice(0, Math.ceil((context.count * FORGERIES) / ONE_IN));
  await inParallel(chosen, AT_ONCE, (text) => attack.isRefused(text, 'a forged cookie'));
  for (const owner of owners) await attack.isAccepted(owner);

  for (const [index, owner] of owners.entries()) await attack.end(owner, index % 2 === 0 ? null : adminToken);
  for (const { token } of owners) {
    await attack.isRefused(token, 'the cookie of an ended session');
    await attack.isRefused(token.slice(0, 2) + hashOf(token), 'the hash of a token');
  }
  return attack.tried;
}

/** Cookies of sessions that nobody ended: they are over because their time is. How many. */
export async function presentOverdueTokens(adapter: AdapterName, context: CampaignContext): Promise<number> {
  const environment = {
    MAX_SESSION_DURATION: String(LIFETIME_SECONDS),
    MAX_SESSION_IDLE_TIME: String(LIFETIME_SECONDS),
    SESSION_CLEANUP_INTERVAL: '3600',
  };
  const server = await AppServer.start(adapter, 'plain', environment);
  try {
    const attack = new CookieAttack(adapter, sender(server.port), context);
    const owners = await attack.visitors(Math.ceil(context.count / 50));
    await wait(LIFETIME_SECONDS * 1000 + 50);
    for (const { token } of owners) await attack.isRefused(token, 'the cookie of an expired session');
    return attack.tried;
  } finally {
    await server.destroy();
  }
}

/** Presents cookies, and looks at whose session the answer is. */
class CookieAttack {
  readonly #adapter: AdapterName;
  readonly #send: Send;
  readonly #context: CampaignContext;
  readonly #known = new Set<string>();
  tried = 0;

  constructor(adapter: AdapterName, send: Send, context: CampaignContext) {
    this.#adapter = adapter;
    this.#send = send;
    this.#context = context;
  }

  async visitors(count: number): Promise<Visitor[]> {
    const visitors: Visitor[] = [];
    for (let number = 0; number < count; number += 1) visitors.push(await visit(this.#send));
    for (const { sessionId } of visitors) this.#known.add(sessionId);
    return visitors;
  }

  /** Whoever is refused is a stranger: with a session of its own, or, where the bytes are no HTTP, with 400. */
  async isRefused(token: string, what: string): Promise<void> {
    this.tried += 1;
    const { answer } = await this.#show(token);
    if (answer?.status === 400) return;
    const shown = idIn(answer?.body);
    const given = TOKEN_COOKIE.exec(answer?.head ?? '')?.[1];
    if (answer?.status === 200 && shown !== undefined && !this.#known.has(shown) && given !== undefined)
      return;
    const seen = answer
      ? `${answer.status}, session ${shown}, ${given === undefined ? 'no' : 'a'} new cookie`
      : 'nothing';
    this.#context.violation(`${this.#adapter}: ${what} got ${seen}: ${JSON.stringify(token)}`);
  }

  async isAccepted({ token, sessionId }: Visitor): Promise<void> {
    const { answer } = await this.#show(token);
    if (idIn(answer?.body) !== sessionId)
      this.#context.violation(
        `${this.#adapter}: the cookie that was forged opens nothing itself: then it shows nothing`,
      );
  }

  async end(visitor: Visitor, adminToken: string | null): Promise<void> {
    const { answer } = await this.#send(
      adminToken === null
        ? compose({ what: 'an end', method: 'DELETE', headers: [cookieOf(visitor)] })
        : compose({
            what: 'an end by an operator',
            method: 'POST',
            target: `/admin/sessions/${visitor.sessionId}/cleanup`,
            headers: [['X-Admin-Token', adminToken]],
            from: OPERATOR,
          }),
    );
    if (answer?.status !== (adminToken === null ? 204 : 200))
      this.#context.violation(
        `${this.#adapter}: a session could not be ended: ${answer?.status} ${answer?.body}`,
      );
  }

  #show(token: string) {
    return this.#send(compose({ what: 'a cookie', headers: [cookieOf({ token })] }));
  }
}

function idIn(body = ''): string | undefined {
  return /"session_id":"([^"]+)"/.exec(body)?.[1];
}
