import type { CampaignContext } from '../campaign.ts';
import { AppServer, type AdapterName } from './app-server.ts';
import { Chance } from './chance.ts';
import { Judge } from './judge.ts';
import type { Request } from './request.ts';
import { BadRequests } from './requests.ts';
import type { Secrets } from './secrets.ts';
import { visit, Visitors, visitWhole, type Send } from './visitors.ts';
import { Wire } from './wire.ts';

const AT_ONCE = 24;
const GOOD_SESSIONS = 24;
/** Small, so that limits are met as well. */
export const MAX_BYTES = 200_000;

/** Sends a request on a connection that is made for it. */
export function sender(port: number): Send {
  return async (request) => {
    const wire = await Wire.open(port, request.from);
    try {
      return await wire.exchange(request);
    } finally {
      wire.destroy();
    }
  };
}

/** Many bad requests for one server, several at once on connections that are kept. */
export class HttpAttack {
  readonly #server: AppServer;
  readonly #judge: Judge;
  readonly #requests: BadRequests;
  readonly #visitors: Visitors;
  readonly #secrets: Secrets;
  #tried = 0;

  constructor(
    adapter: AdapterName,
    server: AppServer,
    context: CampaignContext,
    secrets: Secrets,
    adminToken: string,
  ) {
    const chance = new Chance(context.random);
    this.#server = server;
    this.#secrets = secrets;
    this.#visitors = new Visitors();
    this.#requests = new BadRequests(this.#visitors, chance, adminToken, MAX_BYTES);
    this.#judge = new Judge(adapter, context, secrets, this.#visitors, chance);
  }

  get tried(): number {
    return this.#tried;
  }

  get statuses(): string {
    return this.#judge.statuses;
  }

  async prepare(): Promise<void> {
    const send = sender(this.#server.port);
    for (let number = 0; number < GOOD_SESSIONS; number += 1) {
      const visitor = await visit(send);
      this.#secrets.add(visitor.token);
      this.#visitors.add(visitor);
    }
  }

  /** `requests` and `uploads`: how many of each. */
  async run(requests: number, uploads: number): Promise<void> {
    await this.#send(this.#requests.http(), requests);
    await this.#send(this.#requests.uploads(), uploads);
  }

  /** What an honest client finds after all that. */
  async aftermath(): Promise<void> {
    this.#secrets.add((await visitWhole(sender(this.#server.port))).token);
  }

  async #send(source: Generator<Request>, count: number): Promise<void> {
    let left = count;
    const worker = async (): Promise<void> => {
      const wires = new Map<string, Wire>();
      while (left > 0 && this.#server.isAlive) {
        left -= 1;
        const request = source.next().value as Request;
        await this.#sendOne(wires, request);
      }
      for (const wire of wires.values()) wire.destroy();
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  }

  async #sendOne(wires: Map<string, Wire>, request: Request): Promise<void> {
    for (let tries = 0; ; tries += 1) {
      const kept = wires.get(request.from);
      const wire = kept?.isUsable ? kept : await Wire.open(this.#server.port, request.from);
      wires.set(request.from, wire);
      const exchange = await wire.exchange(request);
      // A connection that is kept may be closed by the server at the moment in which the next request is sent.
      if (exchange.kind === 'closed' && wire === kept && tries === 0) continue;
      this.#tried += 1;
      this.#judge.judge(request, exchange);
      return;
    }
  }
}
