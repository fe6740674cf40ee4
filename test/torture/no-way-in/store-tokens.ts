import type { Session, SessionToken } from 'nest-sessions';
import { CLIENT, SmallCore } from '../bad-input/small-core.ts';
import type { CampaignContext } from '../campaign.ts';
import { forgeriesOf } from './forgeries.ts';
import { inParallel } from '../processes/in-parallel.ts';

const MINUTE = 60_000;
const AT_ONCE = 256;
const FATES = ['ended', 'regenerated', 'idle', 'expired'] as const;

interface Holder {
  readonly session: Session;
  readonly token: SessionToken;
}

/** Forged and dead tokens, by the hundred thousand, for a service on the store of a real server. How many. */
export async function presentTokens(cookies: number, context: CampaignContext): Promise<number> {
  const small = await SmallCore.start();
  try {
    const attack = new TokenAttack(small, context);
    const holders: Holder[] = [];
    for (let number = 0; number < cookies; number += 1) holders.push(await small.open());
    const startedAt = performance.now();
    await attack.forge(holders);
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    context.note(`${attack.tried} forgeries of ${cookies} tokens in process, ${seconds} s`);
    await attack.outlive(holders);
    return attack.tried;
  } finally {
    await small.destroy();
  }
}

class TokenAttack {
  readonly #small: SmallCore;
  readonly #context: CampaignContext;
  tried = 0;

  constructor(small: SmallCore, context: CampaignContext) {
    this.#small = small;
    this.#context = context;
  }

  async forge(holders: readonly Holder[]): Promise<void> {
    for (const { session, token } of holders) {
      const forgeries = forgeriesOf(token.reveal(), session.id);
      await inParallel(forgeries, AT_ONCE, (text) => this.#isRefused(text, 'a forged token'));
      await this.#isAccepted(token, 'what was forged');
    }
  }

  /** A quarter of the sessions each is ended, has its token replaced, idles out, or is busy up to its absolute end. */
  async outlive(holders: readonly Holder[]): Promise<void> {
    const { service, clock } = this.#small;
    const [ended = [], regenerated = [], idle = [], expired = []] = FATES.map((_, fate) =>
      holders.filter((_holder, index) => index % FATES.length === fate),
    );
    for (const { session } of ended) await service.end(session);
    // Else they would be taken for those of clients that never came back.
    const busy: Holder[] = [];
    for (const { session } of expired)
      busy.push({ session, token: await service.login(session, 'somebody') });
    const renewed: SessionToken[] = [];
    for (const { session } of regenerated) renewed.push(await service.regenerate(session));
    const gone = (): Promise<void> => this.#areRefused([...ended, ...regenerated]);
    await gone();
    for (const token of renewed) await this.#isAccepted(token, 'a new token');
    clock.advance(31_000);
    await gone();
    for (let minutes = 0; minutes < 59; minutes += 14) {
      for (const { token } of busy) await this.#use(token);
      clock.advance(14 * MINUTE);
    }
    await this.#areRefused([...ended, ...regenerated, ...idle, ...expired, ...busy]);
    for (const token of renewed) await this.#isRefused(token.reveal(), 'a token whose session idled out');
    await this.#small.core.cleanup.runAll();
    await this.#areRefused(holders);
  }

  async #areRefused(holders: readonly Holder[]): Promise<void> {
    const texts = holders.map(({ token }) => token.reveal());
    await inParallel(texts, AT_ONCE, (text) => this.#isRefused(text, 'the token of a session that is over'));
  }

  /** A mismatch would be no refusal: it says that the token is known. */
  async #isRefused(text: string, what: string): Promise<void> {
    this.tried += 1;
    const { kind } = await this.#small.service.identify(text, CLIENT);
    if (kind === 'live' || kind === 'mismatch')
      this.#context.violation(`${what} was accepted (${kind}): ${JSON.stringify(text)}`);
  }

  async #isAccepted(token: SessionToken, what: string): Promise<void> {
    const { kind } = await this.#small.service.identify(token.reveal(), CLIENT);
    if (kind !== 'live') this.#context.violation(`${what} is ${kind} itself: then it shows nothing`);
  }

  async #use(token: SessionToken): Promise<void> {
    const found = await this.#small.service.identify(token.reveal(), CLIENT);
    if (found.kind === 'live') this.#small.service.touch(found.record);
    else this.#context.violation(`a busy session is ${found.kind} before its absolute end`);
  }
}
