import { randomBytes } from 'node:crypto';
import { hasCode } from '#sessions/domain/errors';
import { TokenKey } from '#sessions/core/tokens/token-key';
import type { SessionToken } from '#sessions/core/tokens/session-token';
import { CLIENT, type World } from '../support/world.js';
import { type Machines, onMachines, SHARED_STORES } from './node-worlds.js';

const [OLD, NEW] = [newKey(), newKey()];
type Keys = readonly string[];
type Name = 'first' | 'second';
interface Step {
  readonly server: Name;
  readonly keys: Keys;
}

/** What is rolled out on each of the servers, one restart after the other. */
const ROLLOUTS: Record<string, readonly Keys[]> = {
  'in one step': [[NEW, OLD]],
  'in two steps': [
    [OLD, NEW],
    [NEW, OLD],
  ],
  'and the old key is dropped': [[NEW, OLD], [NEW]],
};

describe.each(SHARED_STORES)('A new key on two servers on %s', (_name, share) => {
  let machines: Machines;

  onMachines(share, async (given) => {
    machines = given;
  });

  const orders = Object.entries(ROLLOUTS).flatMap(([how, lists]) =>
    interleavings(lists, lists).map((steps) => ({ how, steps, told: steps.map(tell).join(', ') })),
  );

  it.each(orders)('loses no session $how: $told', async ({ steps }) => {
    const fleet = await Fleet.start(machines, [OLD]);
    await fleet.visit();
    for (const step of steps) {
      await fleet.restart(step);
      // Before the other server has noticed, and after it.
      await fleet.visit();
      await fleet.look();
      await fleet.visit();
    }
    expect(fleet.tokens.length).toBeGreaterThan(4);
  });

  it('is sealed with once all servers have it, and no sooner', async () => {
    const fleet = await Fleet.start(machines, [OLD]);
    await fleet.restart({ server: 'first', keys: [NEW, OLD] });
    expect(await fleet.sealedBy('first')).toBe(OLD);
    await fleet.restart({ server: 'second', keys: [NEW, OLD] });
    expect(await fleet.sealedBy('second')).toBe(NEW);
    await fleet.look();
    expect(await fleet.sealedBy('first')).toBe(NEW);
  });

  it('is required of a server that starts beside those that seal with it', async () => {
    const fleet = await Fleet.start(machines, [NEW, OLD]);
    await expect(machines.start(undefined, { keys: [OLD] })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(`keys (SESSION_KEYS) lacks the key ${idOf(NEW)}`),
    });
    await expect(machines.start()).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('is not set, but a live server seals its tokens'),
    });
    await fleet.visit();
  });

  it('is refused beside a server without keys', async () => {
    const plain = await machines.start();
    await expect(machines.start(undefined, { keys: [NEW] })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('a live server runs without it'),
    });
    await machines.stop(plain);
    await machines.start(undefined, { keys: [NEW] });
  });

  it('logs out those whose tokens the old one sealed, when no server has that any more', async () => {
    const fleet = await Fleet.start(machines, [OLD]);
    const before = await fleet.open('first');
    await fleet.restart({ server: 'first', keys: [NEW, OLD] });
    await fleet.restart({ server: 'second', keys: [NEW, OLD] });
    await fleet.look();
    const after = await fleet.open('first');
    await fleet.restart({ server: 'first', keys: [NEW] });
    expect(await fleet.askFor(before, 'first')).toBe('TOKEN_KEY_MISSING');
    expect(await fleet.askFor(before, 'second')).toBe('live');
    await fleet.restart({ server: 'second', keys: [NEW] });
    await fleet.look();
    for (const name of ['first', 'second'] as const) {
      expect(await fleet.askFor(before, name)).toBe('unknown');
      expect(await fleet.askFor(after, name)).toBe('live');
    }
  });
});

/** Two servers, and the tokens of all clients so far. */
class Fleet {
  tokens: SessionToken[] = [];
  private readonly worlds = new Map<Name, World>();
  private readonly keys = new Map<Name, Keys>();

  private constructor(private readonly machines: Machines) {}

  static async start(machines: Machines, keys: Keys): Promise<Fleet> {
    const fleet = new Fleet(machines);
    for (const server of ['first', 'second'] as const) await fleet.begin({ server, keys });
    return fleet;
  }

  /** One that is refused goes on with the keys of before. */
  async restart(step: Step): Promise<void> {
    const { server } = step;
    const root = this.world(server).root;
    await this.machines.stop(this.world(server));
    try {
      await this.begin(step, root);
    } catch (error) {
      if (!hasCode(error, 'CONFIG_INVALID')) throw error;
      await this.begin({ server, keys: this.keys.get(server) ?? [] }, root);
    }
  }

  async look(): Promise<void> {
    for (const { core } of this.worlds.values()) await core.keyWatch.look();
  }

  async open(server: Name): Promise<SessionToken> {
    return (await this.world(server).open()).token;
  }

  /** At both servers, everybody is let in or told to come back; one opens a session, another one logs in. */
  async visit(): Promise<void> {
    this.tokens = this.tokens.filter((token) => this.isReadable(token));
    for (const server of ['first', 'second'] as const) {
      const answers = await Promise.all(this.tokens.map((token) => this.askFor(token, server)));
      const lost = answers.find((answer) => !['live', 'TOKEN_KEY_MISSING'].includes(answer));
      if (lost !== undefined) throw new Error(`The ${server} server takes a token for ${lost}`);
      this.tokens.push(await this.open(server), await this.login(server));
    }
    // Somebody can always let them in.
    for (const token of this.tokens) {
      const answers = [await this.askFor(token, 'first'), await this.askFor(token, 'second')];
      if (!answers.includes('live')) throw new Error(`No server takes a token: ${answers.join()}`);
    }
  }

  async askFor(token: SessionToken, server: Name): Promise<string> {
    try {
      return (await this.world(server).service.identify(token.reveal(), CLIENT)).kind;
    } catch (error) {
      return String(Reflect.get(error as object, 'code'));
    }
  }

  async sealedBy(server: Name): Promise<string | undefined> {
    const text = (await this.open(server)).reveal();
    return [OLD, NEW].find((key) => text.startsWith(`v1.${idOf(key)}.`));
  }

  /** Whether a server has the key that sealed the token. */
  private isReadable(token: SessionToken): boolean {
    return [...this.keys.values()].flat().some((key) => token.reveal().startsWith(`v1.${idOf(key)}.`));
  }

  private async login(server: Name): Promise<SessionToken> {
    const { service } = this.world(server);
    const { session } = await this.world(server).open();
    return service.login(session, 'ada');
  }

  private async begin({ server, keys }: Step, root?: string): Promise<void> {
    this.worlds.set(server, await this.machines.start(root, { keys }));
    this.keys.set(server, keys);
  }

  private world(server: Name): World {
    const world = this.worlds.get(server);
    if (!world) throw new Error(`The ${server} server does not run`);
    return world;
  }
}

function newKey(): string {
  return randomBytes(32).toString('base64');
}

function idOf(key: string): string {
  return new TokenKey(Buffer.from(key, 'base64'), 'sid').id;
}

function tell({ server, keys }: Step): string {
  return `${server} [${keys.map((key) => (key === NEW ? 'new' : 'old')).join()}]`;
}

/** Every order of the steps of two servers, each of which takes its own in turn. */
function interleavings(first: readonly Keys[], second: readonly Keys[]): Step[][] {
  const [one, ...ones] = first;
  const [two, ...twos] = second;
  if (!one) return [second.map((keys) => ({ server: 'second', keys }))];
  if (!two) return [first.map((keys) => ({ server: 'first', keys }))];
  return [
    ...interleavings(ones, second).map((rest): Step[] => [{ server: 'first', keys: one }, ...rest]),
    ...interleavings(first, twos).map((rest): Step[] => [{ server: 'second', keys: two }, ...rest]),
  ];
}
