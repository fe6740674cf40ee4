import { randomBytes, randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { PlainTokens } from '#sessions/core/tokens/plain-tokens';
import { SealedTokens } from '#sessions/core/tokens/sealed-tokens';

const tokens = new PlainTokens();

describe('SessionToken', () => {
  it.each([tokens, new SealedTokens([randomBytes(32).toString('base64')], 'sid')])(
    'is redacted unless it is revealed',
    (codec) => {
      const token = codec.createFor(randomUUID());
      const shown = [
        String(token),
        JSON.stringify({ token }),
        inspect(token),
        inspect({ token }, { depth: 9, showHidden: true }),
      ];
      for (const text of shown) expect(text).not.toContain(token.reveal());
    },
  );

  it('has 256 random bits: none is set much more often than not', () => {
    const count = 20_000;
    const id = randomUUID();
    const set = Array.from({ length: 256 }, () => 0);
    const seen = new Set<string>();
    for (let made = 0; made < count; made += 1) {
      const text = tokens.createFor(id).reveal();
      seen.add(text);
      const random = Buffer.from(text.slice(2), 'base64url');
      for (let bit = 0; bit < 256; bit += 1) set[bit]! += (random[bit >> 3]! >> (bit & 7)) & 1;
    }
    expect(seen.size).toBe(count);
    // Seven standard deviations: chance alone gets there in one run of billions.
    const most = 7 * Math.sqrt(count / 4);
    for (const times of set) expect(Math.abs(times - count / 2)).toBeLessThan(most);
  });

  it('keeps the bucket of its session, and shares nothing else with the previous token', () => {
    const id = randomUUID();
    const [one, other] = [tokens.createFor(id).reveal(), tokens.createFor(id).reveal()];
    expect(one.slice(0, 2)).toBe(other.slice(0, 2));
    expect(one.slice(2)).not.toBe(other.slice(2));
    expect(one).toHaveLength(45);
  });

  it('survives parsing unchanged', () => {
    const token = tokens.createFor(randomUUID());
    expect(tokens.open(token.reveal())?.hash).toBe(token.hash);
  });

  it.each([
    '',
    'short',
    'x'.repeat(44),
    'x'.repeat(46),
    `${'x'.repeat(44)}=`,
    `${'x'.repeat(44)}+`,
    `${'x'.repeat(44)}\n`,
  ])('refuses %j', (text) => {
    expect(tokens.open(text)).toBeNull();
  });
});
