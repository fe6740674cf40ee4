import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SealedTokens } from '#sessions/core/tokens/sealed-tokens';
import { TokenKey } from '#sessions/core/tokens/token-key';
import { CLIENT, World } from '../support/world.js';

const KEY = randomBytes(32).toString('base64');
const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'.split('');

describe('A sealed token', () => {
  const tokens = new SealedTokens([KEY], 'sid');
  const fresh = (): SealedTokens => new SealedTokens([KEY], 'sid');

  it('is opened by any server with its key, and names its session', () => {
    const id = randomUUID();
    const token = tokens.createFor(id);
    expect(fresh().open(token.reveal())).toMatchObject({ sessionId: id, hash: token.hash });
    expect(token.hash).toMatch(/^[A-Za-z0-9_-]{45}$/);
  });

  it('shows neither its session nor its secret', () => {
    const id = randomUUID();
    const text = tokens.createFor(id).reveal();
    const sealed = Buffer.from(text.slice(12), 'base64url').toString('hex');
    expect(sealed).not.toContain(id.replaceAll('-', ''));
    expect(tokens.createFor(id).reveal()).not.toBe(text);
  });

  it('is refused with any of its bits changed', () => {
    const text = tokens.createFor(randomUUID()).reveal();
    const start = 'v1.12345678.'.length;
    const sealed = Buffer.from(text.slice(start), 'base64url');
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const changed = Buffer.from(sealed);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(fresh().open(text.slice(0, start) + changed.toString('base64url'))).toBeNull();
    }
  });

  it('is refused in each other spelling of the same bytes', () => {
    const text = tokens.createFor(randomUUID()).reveal();
    const bytes = Buffer.from(text.slice(12), 'base64url');
    const spellings = DIGITS.map((digit) => text.slice(0, -1) + digit).filter((other) => other !== text);
    const same = spellings.filter((other) => Buffer.from(other.slice(12), 'base64url').equals(bytes));
    expect(same).toHaveLength(15);
    const others = [
      ...same,
      `${text}=`,
      `${text}\n`,
      ` ${text}`,
      text.toUpperCase(),
      text.replace('v1', 'v2'),
    ];
    for (const other of others) expect(fresh().open(other)).toBeNull();
  });

  it('is refused under the name of another cookie, with another key, and with the id of another key', () => {
    const text = tokens.createFor(randomUUID()).reveal();
    const other = new SealedTokens([randomBytes(32).toString('base64')], 'sid');
    expect(new SealedTokens([KEY], 'admin').open(text)).toBeNull();
    expect(other.open(text)).toBeNull();
    expect(other.open(text.replace(tokens.keyIds[0]!, other.keyIds[0]!))).toBeNull();
  });
});

describe('A server with keys', () => {
  let world: World;

  beforeEach(async () => {
    world = await World.create('sqlite', { keys: [KEY], cache: false });
  });
  afterEach(() => world.close());

  it('does not ask the store about what it did not seal', async () => {
    const { token } = await world.open();
    const plain = await World.create('sqlite', { cookieName: 'other' });
    const text = token.reveal();
    const junk = [
      '',
      'x'.repeat(45),
      (await plain.open()).token.reveal(),
      token.hash,
      `${text.slice(0, -2)}${text.at(-2) === 'A' ? 'B' : 'A'}${text.at(-1)}`,
      new SealedTokens([KEY], 'other').createFor(randomUUID()).reveal(),
      new SealedTokens([randomBytes(32).toString('base64')], 'sid').createFor(randomUUID()).reveal(),
    ];
    await plain.close();
    const asked = jest.spyOn(world.store.sessions, 'findByToken');
    for (const other of junk) {
      expect(await world.service.identify(other, CLIENT)).toEqual({ kind: 'unknown' });
    }
    expect(asked).not.toHaveBeenCalled();
    expect(await world.kindOf(token)).toBe('live');
    expect(asked).toHaveBeenCalledTimes(1);
  });

  it('lets nobody in by a hash that was moved into another row', async () => {
    const mine = await world.open();
    const victim = await world.open();
    const db = new DatabaseSync(join(world.root, 'sessions.db'));
    const hashOf = db.prepare('SELECT token_hash FROM sessions WHERE id = unhex(?)');
    const setHash = db.prepare('UPDATE sessions SET token_hash = ? WHERE id = unhex(?)');
    const ids = [mine, victim].map(({ session }) => session.id.replaceAll('-', ''));
    const hashes = ids.map((id) => hashOf.get(id)?.['token_hash'] ?? null);
    setHash.run('moved', ids[1]!);
    setHash.run(hashes[1]!, ids[0]!);
    setHash.run(hashes[0]!, ids[1]!);
    db.close();
    expect(await world.kindOf(mine.token)).toBe('unknown');
    expect(await world.kindOf(victim.token)).toBe('unknown');
  });

  it('opens no seal for a token that it remembers', async () => {
    const { token } = await world.open();
    await world.kindOf(token);
    const opened = jest.spyOn(TokenKey.prototype, 'open');
    expect(await world.kindOf(token)).toBe('live');
    expect(opened).not.toHaveBeenCalled();
    opened.mockRestore();
  });
});
