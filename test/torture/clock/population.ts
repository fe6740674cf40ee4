import { setTimeout as sleep } from 'node:timers/promises';
import type { CampaignContext } from '../campaign.ts';
import type { RemoteCalls } from '../remote/protocol.ts';
import { Client, LIMITS } from './client.ts';
import type { Witness } from './witness.ts';

const CLIENTS = 8;

/** Clients that come and go all the while: some active to their absolute end, some idle before. */
export class Population {
  requests = 0;
  sessions = 0;
  private readonly context: CampaignContext;
  private isRunning = false;
  private running: Promise<unknown> = Promise.resolve();

  constructor(context: CampaignContext) {
    this.context = context;
  }

  start(server: RemoteCalls, witness: Witness): void {
    this.isRunning = true;
    this.running = Promise.all(Array.from({ length: CLIENTS }, () => this.live(server, witness)));
  }

  async stop(): Promise<void> {
    this.isRunning = false;
    await this.running;
  }

  private async live(server: RemoteCalls, witness: Witness): Promise<void> {
    while (this.isRunning) {
      const client = await Client.open(server, witness);
      this.sessions += 1;
      while (this.isRunning && (await this.comeBack(client, server, witness)));
    }
  }

  private async comeBack(client: Client, server: RemoteCalls, witness: Witness): Promise<boolean> {
    const { random, violation } = this.context;
    await sleep(random() < 0.1 ? LIMITS.idleMs + random() * 500 : random() * 400);
    const isBefore = witness.now() < client.livesUntil;
    const { lives, fault } = await client.request(server, witness);
    this.requests += 1;
    if (fault) violation(`A session was ${fault}`);
    const missing = lives && isBefore ? await client.read(server, witness) : null;
    if (missing) violation(`Of a live session, ${missing}`);
    return lives;
  }
}
