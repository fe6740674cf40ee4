import type { AdapterName } from '../bad-input/app-server.ts';
import { Chance } from '../bad-input/chance.ts';
import { sender } from '../bad-input/http-attack.ts';
import { compose, OPERATOR, type Request } from '../bad-input/request.ts';
import { cookieOf, visit, type Send, type Visitor } from '../bad-input/visitors.ts';
import type { Exchange } from '../bad-input/wire.ts';
import type { CampaignContext } from '../campaign.ts';
import { AdminVariants } from './admin-variants.ts';
import { inParallel } from '../processes/in-parallel.ts';
import type { AdminSecrets } from './strangers-headers.ts';

const VISITORS = 8;
const AT_ONCE = 16;
const SUCCESS = /(?:^|\n)HTTP\/1\.[01] 2\d\d/;
/** Fields that only operators are told. */
const DATA =
  /"(?:sessions|users|quota|stats|limits|cleaned|entries|wrong_tokens|key_id|ended_by|ip_address|user_agent|request_count|total_created|session_id)":/;

/** Knocks at the admin without a token, and looks whether anything comes out, or happens. */
export class AdminAttack {
  readonly #adapter: AdapterName;
  readonly #secrets: AdminSecrets;
  readonly #context: CampaignContext;
  readonly #send: Send;
  readonly #statuses = new Map<number, number>();

  constructor(adapter: AdapterName, port: number, secrets: AdminSecrets, context: CampaignContext) {
    this.#adapter = adapter;
    this.#secrets = secrets;
    this.#context = context;
    this.#send = sender(port);
  }

  get statuses(): string {
    const counted = [...this.#statuses].toSorted(([one], [other]) => one - other);
    return counted.map(([status, count]) => `${status || 'closed'}: ${count}`).join(', ');
  }

  /** How many requests were tried. */
  async run(count: number): Promise<number> {
    const visitors: Visitor[] = [];
    for (let number = 0; number < VISITORS; number += 1) visitors.push(await visit(this.#send));
    await this.#lookAsOperator();
    const variants = new AdminVariants(this.#secrets, visitors, new Chance(this.#context.random)).requests();
    await inParallel(take(variants, count), AT_ONCE, async (request) =>
      this.#judge(request, await this.#send(request)),
    );
    await this.#lookAsOperator();
    for (const visitor of visitors) await this.#isUnharmed(visitor);
    return count;
  }

  #judge(request: Request, { answer, received }: Exchange): void {
    const status = answer?.status ?? 0;
    this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1);
    const sent = JSON.stringify(request.bytes.toString('latin1').slice(0, 400));
    if (isLetIn(received))
      this.#context.violation(
        `${this.#adapter}: an answer without a token: ${JSON.stringify(received.slice(0, 300))} to ${sent}`,
      );
  }

  /** With both tokens it is open: else whoever finds it shut would have shown nothing. */
  async #lookAsOperator(): Promise<void> {
    for (const token of [this.#secrets.adminToken, this.#secrets.spareToken]) {
      const targets = ['', '/metrics', '/users', '/users/anna', '/audit'].map(
        (end) => `/admin/sessions${end}`,
      );
      for (const target of targets) {
        const request = compose({
          what: 'an operator',
          target,
          headers: [['X-Admin-Token', token]],
          from: OPERATOR,
        });
        const { received } = await this.#send(request);
        if (!isLetIn(received))
          this.#context.violation(`${this.#adapter}: the operator is shut out: ${received.slice(0, 300)}`);
      }
    }
  }

  /** Whatever was answered, nobody's session may have been ended. */
  async #isUnharmed(visitor: Visitor): Promise<void> {
    const { answer } = await this.#send(compose({ what: 'a visitor', headers: [cookieOf(visitor)] }));
    if (!answer?.body.includes(visitor.sessionId))
      this.#context.violation(`${this.#adapter}: without a token, a session was ended`);
  }
}

/** Any success, even an empty one, since there is nothing there for strangers; or the data, under whatever status. */
function isLetIn(received: string): boolean {
  return SUCCESS.test(received) || DATA.test(received);
}

function* take<Item>(source: Generator<Item>, count: number): Generator<Item> {
  for (let taken = 0; taken < count; taken += 1) {
    const next = source.next();
    if (next.done) return;
    yield next.value;
  }
}
