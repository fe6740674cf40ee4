import type { CampaignContext } from '../campaign.ts';
import { STACK } from './app-server.ts';
import type { Chance } from './chance.ts';
import type { Request } from './request.ts';
import type { Secrets } from './secrets.ts';
import { TOKEN_COOKIE, type Visitors } from './visitors.ts';
import type { Exchange } from './wire.ts';

const COOKIE_LINES = /\r\nset-cookie: sid=[^\r]*/gi;
const SERVER_FAULT = /(?:^|\n)HTTP\/1\.[01] 5\d\d/;
/** What a client sent, as part of a page. The app's own page has one script. */
const SCRIPT = /\r\ncontent-type: text\/html[^]*<script(?! type="module" src="page\/page\.js">)/i;

/** Says of each answer whether it keeps what is promised. */
export class Judge {
  readonly #name: string;
  readonly #context: CampaignContext;
  readonly #secrets: Secrets;
  readonly #visitors: Visitors;
  readonly #chance: Chance;
  readonly #statuses = new Map<number, number>();

  constructor(name: string, context: CampaignContext, secrets: Secrets, visitors: Visitors, chance: Chance) {
    this.#name = name;
    this.#context = context;
    this.#secrets = secrets;
    this.#visitors = visitors;
    this.#chance = chance;
  }

  get statuses(): string {
    const counted = [...this.#statuses].toSorted(([one], [other]) => one - other);
    return counted.map(([status, count]) => `${status || 'closed'}: ${count}`).join(', ');
  }

  judge(request: Request, { kind, answer, received }: Exchange): void {
    const status = answer?.status ?? 0;
    this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1);
    if (kind === 'silent') return this.#fault(request, 'no answer within 5 s');
    // A head beyond Node's limit is answered with 431 and a reset, which may overtake the answer.
    if (
      kind === 'closed' &&
      request.framing === 'whole' &&
      headLength(request) < 16_000 &&
      request.bytes.length < 1_000_000
    ) {
      return this.#fault(request, 'the connection was closed without an answer');
    }
    if (SERVER_FAULT.test(received)) this.#fault(request, `answered ${received.slice(0, 300)}`);
    if (STACK.test(received)) this.#fault(request, `a stack trace in the answer: ${received.slice(0, 600)}`);
    if (SCRIPT.test(received)) this.#fault(request, `a script in a page: ${received.slice(0, 300)}`);
    this.#judgeSecrets(request, received);
  }

  #judgeSecrets(request: Request, received: string): void {
    const secret = this.#secrets.findIn(received.replaceAll(COOKIE_LINES, ''));
    if (secret !== null) this.#fault(request, `a secret in the answer: ${received.slice(0, 600)}`);
    const given = TOKEN_COOKIE.exec(received)?.[1];
    if (given === undefined) return;
    if (!this.#secrets.add(given)) this.#fault(request, 'a token that somebody has already was given away');
    if (this.#chance.oneIn(40)) this.#visitors.replaceOne(given, this.#chance);
  }

  #fault({ what, bytes }: Request, fault: string): void {
    const sent = JSON.stringify(bytes.toString('latin1').slice(0, 300));
    this.#context.violation(
      `${this.#name}: ${what}: ${fault.replaceAll(/[\r\n]+/g, ' | ')} (sent ${bytes.length} bytes: ${sent})`,
    );
  }
}

function headLength({ bytes }: Request): number {
  const end = bytes.indexOf('\r\n\r\n');
  return end < 0 ? bytes.length : end;
}
