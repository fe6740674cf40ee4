import { randomBytes } from 'node:crypto';
import type { NodeServer } from '../nodes/node-server.ts';
import { pause } from '../processes/scratch.ts';
import { Visitor, type Answer } from '../processes/visitor.ts';
import type { Crowd } from './crowd-of-patrons.ts';

const THINKS_MS = 300;
const NOISE = randomBytes(128 * 1024);
/** An outage is told as such, and a server that dies tells nothing: anything else beyond 499 is a fault. */
const OUTAGE = 503;

/** What a patron may do next: `sleep` until its session is idle, or `keep` it to its absolute end. */
export type Manner = 'busy' | 'sleeper' | 'keeper';

/** A client of all three servers, behind a load balancer, that goes on whatever happens to them. */
export class Patron {
  private readonly crowd: Crowd;
  private readonly manner: Manner;
  private readonly address: string;
  private cookie = '';
  private sessionId: string | null = null;
  /** The file that it uploaded last. */
  private fileId: string | null = null;
  private readonly visitors = new Map<number, Visitor>();

  constructor(crowd: Crowd, manner: Manner) {
    this.crowd = crowd;
    this.manner = manner;
    this.address = crowd.nodes.newAddress();
  }

  async live(): Promise<void> {
    while (!this.crowd.isOver) {
      await this.act();
      await pause(this.crowd.random() * THINKS_MS);
    }
    for (const visitor of this.visitors.values()) visitor.close();
  }

  private async act(): Promise<void> {
    const { random } = this.crowd;
    const [server] = this.crowd.nodes.pick(random);
    if (!server.isUp) return;
    const chance = random();
    if (this.sessionId === null || chance < 0.35) return this.show(server);
    if (chance < 0.6) return this.upload(server);
    if (chance < 0.75) return this.download(server);
    if (chance < 0.85) return this.login(server);
    if (this.manner === 'keeper') return this.show(server);
    if (this.manner === 'sleeper') return this.sleep(server);
    return this.end(server);
  }

  /** Asks who it is; also for the first time. */
  private async show(server: NodeServer): Promise<void> {
    const { ages } = this.crowd;
    const before = this.sessionId;
    const whyOver = ages.whyOver(before);
    const answer = await this.ask(server, 'GET', '/session');
    if (answer?.status !== 200) return;
    const { id } = JSON.parse(answer.body.toString()) as { id: string };
    ages.served(id, before, whyOver);
    this.sessionId = id;
  }

  private async upload(server: NodeServer): Promise<void> {
    const { random, limits } = this.crowd;
    const bytes = NOISE.subarray(0, 1 + Math.floor((random() * limits.maxBytes) / 3));
    const answer = await this.attempt(server, (visitor) => visitor.upload(Buffer.from(bytes)));
    if (typeof answer === 'string') this.fileId = answer;
  }

  private async download(server: NodeServer): Promise<void> {
    if (this.fileId !== null) await this.ask(server, 'GET', `/files/${this.fileId}`);
  }

  private async login(server: NodeServer): Promise<void> {
    const user = Buffer.from(JSON.stringify({ user: `user-${Math.floor(this.crowd.random() * 50)}` }));
    await this.ask(server, 'POST', '/login', user);
    await this.ask(server, 'POST', '/renew');
  }

  private async end(server: NodeServer): Promise<void> {
    const { sessionId } = this;
    const answer = await this.ask(server, 'DELETE', '/session');
    if (sessionId === null || answer?.status !== 204) return;
    this.sessionId = null;
    // Where the session was over already, what ended was another one, and of no interest.
    const endedAt = await server.child.ask<number | null>('endedAt', sessionId).catch(() => null);
    if (endedAt !== null) this.crowd.ends.note(sessionId, server);
  }

  /** Whoever slept so long has to find another session. */
  private async sleep(server: NodeServer): Promise<void> {
    const until = performance.now() + this.crowd.limits.idleMs + 500;
    while (!this.crowd.isOver && performance.now() < until) await pause(100);
    await this.show(server);
  }

  private ask(server: NodeServer, method: string, path: string, body?: Buffer): Promise<Answer | null> {
    return this.attempt(server, (visitor) => visitor.fetch(method, path, body));
  }

  /** `null` where the server died meanwhile. */
  private async attempt<Told extends Answer | string | number>(
    server: NodeServer,
    work: (visitor: Visitor) => Promise<Told>,
  ): Promise<Told | null> {
    const visitor = this.visitorAt(server.port);
    try {
      const told = await work(visitor);
      this.cookie = visitor.cookie;
      const status = typeof told === 'object' ? told.status : told;
      if (typeof status === 'number' && status >= 500) this.note(status);
      this.crowd.requests += 1;
      return told;
    } catch {
      this.crowd.broken += 1;
      return null;
    } finally {
      if (this.sessionId !== null) this.crowd.ages.attempted(this.sessionId);
    }
  }

  private note(status: number): void {
    if (status === OUTAGE) this.crowd.outages += 1;
    else this.crowd.violation(`a request was answered ${status}`);
  }

  private visitorAt(port: number): Visitor {
    const visitor = this.visitors.get(port) ?? new Visitor(port, this.address);
    this.visitors.set(port, visitor);
    visitor.cookie = this.cookie;
    return visitor;
  }
}
