import { createHash, randomBytes } from 'node:crypto';
import { pause } from '../processes/scratch.ts';
import { Visitor } from '../processes/visitor.ts';

const FILE_BYTES = 20_000;
const EVERY_MS = 10;
const AT_ONCE = 16;

interface KnownUser {
  readonly visitor: Visitor;
  readonly sessionId: string;
  readonly fileId: string;
  readonly hash: string;
}

/**
 * Users with a session of their own. All have a file; every other one is logged in too. Half of them come back all the
 * time, the others leave their session to itself.
 */
export class KnownUsers {
  private readonly users: readonly KnownUser[];
  private turn = 0;

  private constructor(users: readonly KnownUser[]) {
    this.users = users;
  }

  static async begin(port: number, count: number): Promise<KnownUsers> {
    const users: KnownUser[] = [];
    for (let index = 0; index < count; index += 1) {
      const { visitor, sessionId } = await Visitor.begin(port, `192.0.2.${index + 1}`);
      const bytes = randomBytes(FILE_BYTES);
      const fileId = await visitor.upload(bytes);
      if (typeof fileId === 'number') throw new Error(`A known user's upload was answered ${fileId}.`);
      if (index % 2 === 0) await visitor.fetch('POST', '/login', Buffer.from(`{"user":"user-${index}"}`));
      users.push({ visitor, sessionId, fileId, hash: hashOf(bytes) });
    }
    return new KnownUsers(users);
  }

  /** Requests at a fixed pace for so long; how long each took is added to `waits`. */
  async work(ms: number, waits: number[]): Promise<void> {
    const busy = this.users.slice(0, this.users.length / 2);
    const startedAt = performance.now();
    const under: Promise<void>[] = [];
    for (let next = startedAt; next < startedAt + ms; next += EVERY_MS) {
      await pause(Math.max(0, next - performance.now()));
      under.push(this.ask(busy[this.turn++ % busy.length]!, waits));
    }
    await Promise.all(under);
  }

  /** So many requests as fast as they are answered. */
  async hurry(requests: number): Promise<void> {
    let left = requests;
    const worker = async (user: KnownUser): Promise<void> => {
      while ((left -= 1) >= 0) await this.ask(user, []);
    };
    await Promise.all(this.users.slice(0, AT_ONCE).map(worker));
  }

  /** What anybody lost, in words. */
  async losses(): Promise<string[]> {
    const losses: string[] = [];
    for (const [index, { visitor, sessionId, fileId, hash }] of this.users.entries()) {
      const { status, body } = await visitor.fetch('GET', `/files/${fileId}`);
      if (status !== 200 || hashOf(body) !== hash)
        losses.push(`user ${index}: the file is answered ${status}`);
      const now = await visitor.sessionId();
      if (now !== sessionId) losses.push(`user ${index}: the session is lost`);
    }
    return losses;
  }

  close(): void {
    for (const { visitor } of this.users) visitor.close();
  }

  private async ask({ visitor, sessionId }: KnownUser, waits: number[]): Promise<void> {
    const askedAt = performance.now();
    const id = await visitor.sessionId();
    waits.push(performance.now() - askedAt);
    if (id !== sessionId) throw new Error('A known user was given another session.');
  }
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
