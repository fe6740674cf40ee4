import { resolveConfig } from 'nest-sessions';
import {
  browserOf,
  familyOf,
  isMediaPlayer,
  judgeClient,
  LEARNS_FOR_MS,
  type BoundClient,
  type Fit,
} from '#sessions/domain/binding';
import { DIFFERENT_CLIENTS, PLAYERS, SAME_CLIENT } from './user-agents.js';

const NOW = 1_800_000_000_000;
const PHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Safari/604.1';

/** A session that began at `NOW`. */
function bound(differing: Partial<BoundClient> = {}): BoundClient {
  return {
    ipAddress: '192.0.2.1',
    otherAddress: null,
    userAgent: PHONE,
    createdAt: NOW,
    loggedInAt: null,
    ...differing,
  };
}

function judge(
  session: BoundClient,
  ipAddress: string,
  {
    userAgent = PHONE,
    onlyReads = false,
    at = NOW,
    ...options
  }: Parameters<typeof resolveConfig>[0] & { userAgent?: string; onlyReads?: boolean; at?: number } = {},
): Fit {
  const rule = resolveConfig(options, {}).binding;
  return judgeClient(session, { ipAddress, userAgent }, rule, at, onlyReads);
}

describe('The browser of a user agent', () => {
  it.each(SAME_CLIENT)('stays the same: %s', (_, before, after) => {
    expect(browserOf(after)).toBe(browserOf(before));
  });

  it.each(DIFFERENT_CLIENTS)('differs: %s', (_, one, other) => {
    expect(browserOf(other)).not.toBe(browserOf(one));
  });

  it('is one of few, so that updates and models of phones make no new one', () => {
    const agents = new Set(SAME_CLIENT.flatMap(([, before, after]) => [before, after]));
    expect(agents.size).toBeGreaterThan(120);
    expect(new Set([...agents].map(browserOf)).size).toBeLessThan(50);
  });

  it.each(PLAYERS)('is no media player, and a media player is one: %s', (_, player, browser) => {
    expect([isMediaPlayer(player), isMediaPlayer(browser)]).toEqual([true, false]);
  });
});

describe('The family of an address', () => {
  it.each([
    ['192.0.2.1', 4],
    ['2001:db8::1', 6],
    ['::', 6],
    ['local', null],
  ] as const)('%s: %s', (address, family) => {
    expect(familyOf(address)).toBe(family);
  });
});

describe('A client at an address', () => {
  const both = bound({ otherAddress: '2001:db8::1' });
  it.each([
    ['the same', 'dual', bound(), '192.0.2.1', 'same'],
    ['a neighbour', 'dual', bound(), '192.0.2.2', 'address'],
    ['a first one of the other family', 'dual', bound(), '2001:db8::1', 'learn'],
    ['the learnt one', 'dual', both, '2001:db8::1', 'same'],
    ['another one of the learnt /64', 'dual', both, '2001:db8::ffff', 'same'],
    ['a second /64', 'dual', both, '2001:db8:0:1::1', 'address'],
    ['the first one, after another was learnt', 'dual', both, '192.0.2.1', 'same'],
    ['a first IPv4 one', 'dual', bound({ ipAddress: '2001:db8::1' }), '192.0.2.1', 'learn'],
    ['another one of the first /64', 'dual', bound({ ipAddress: '2001:db8::1' }), '2001:db8::2', 'same'],
    ['the next /64', 'dual', bound({ ipAddress: '2001:db8::1' }), '2001:db8:0:1::1', 'address'],
    ['none, where the session has one', 'dual', bound(), 'local', 'address'],
    ['none, where the session has none', 'dual', bound({ ipAddress: 'local' }), 'local', 'same'],
    ['one, where the session has none', 'dual', bound({ ipAddress: 'local' }), '192.0.2.1', 'address'],
    ['the same, to the bit', 'exact', bound({ ipAddress: '2001:db8::1' }), '2001:db8::1', 'same'],
    [
      'another one of the /64, to the bit',
      'exact',
      bound({ ipAddress: '2001:db8::1' }),
      '2001:db8::2',
      'address',
    ],
    ['the other family, to the bit', 'exact', bound(), '2001:db8::1', 'address'],
    ['a neighbour, by prefix', 'prefix', bound(), '192.0.2.200', 'same'],
    ['the next /24, by prefix', 'prefix', bound(), '192.0.3.1', 'address'],
    ['the other family, by prefix', 'prefix', bound(), '2001:db8::1', 'address'],
    ['any, unbound', 'off', bound(), '2001:db8::1', 'same'],
  ] as const)('%s: bound by %s', (_, bindIp, session, address, fit) => {
    expect(judge(session, address, { bindIp })).toBe(fit);
  });

  it('of the other family is learnt for ten minutes after the opening or the latest login, and no longer', () => {
    const at = (session: BoundClient, later: number) => judge(session, '2001:db8::1', { at: NOW + later });
    expect(at(bound(), LEARNS_FOR_MS - 1)).toBe('learn');
    expect(at(bound(), LEARNS_FOR_MS)).toBe('address');
    const loggedIn = bound({ loggedInAt: NOW + 3_000_000 });
    expect(at(loggedIn, 3_000_000 + LEARNS_FOR_MS - 1)).toBe('learn');
    expect(at(loggedIn, 3_000_000 + LEARNS_FOR_MS)).toBe('address');
  });

  it('of the other family is not learnt if it is that of a proxy', () => {
    const rule = resolveConfig({}, {}).binding;
    const client = { ipAddress: '2001:db8::1', userAgent: PHONE };
    expect(judgeClient(bound(), { ...client, sharesAddress: true }, rule, NOW)).toBe('address');
    expect(judgeClient(bound(), { ...client, sharesAddress: false }, rule, NOW)).toBe('learn');
  });

  it('of the other family is not learnt of another browser', () => {
    expect(judge(bound(), '2001:db8::1', { userAgent: 'curl/8.5.0' })).toBe('agent');
  });
});

describe('A media player', () => {
  const [, userAgent] = PLAYERS[0]!;
  it('may read at an address that the session knows', () => {
    expect(judge(bound(), '192.0.2.1', { userAgent, onlyReads: true })).toBe('player');
    const both = bound({ otherAddress: '2001:db8::1' });
    expect(judge(both, '2001:db8::7', { userAgent, onlyReads: true })).toBe('player');
  });

  it('may not write', () => {
    expect(judge(bound(), '192.0.2.1', { userAgent })).toBe('agent');
  });

  it('is a mismatch at any other address, also at one that the session could learn', () => {
    for (const address of ['192.0.2.2', '2001:db8::1', 'local']) {
      expect(judge(bound(), address, { userAgent, onlyReads: true })).toBe('address');
    }
  });

  it('is any other agent where agents are compared whole, and any agent where they are not', () => {
    const reads = { userAgent, onlyReads: true };
    expect(judge(bound(), '192.0.2.1', { ...reads, bindAgent: 'exact' })).toBe('agent');
    expect(judge(bound(), '192.0.2.1', { ...reads, bindAgent: 'off' })).toBe('same');
  });
});

describe('An agent', () => {
  it.each([
    ['browser', `${PHONE} Update/2`, 'same'],
    ['browser', 'curl/8.5.0', 'agent'],
    ['exact', PHONE, 'same'],
    ['exact', `${PHONE} Update/2`, 'agent'],
    ['off', 'curl/8.5.0', 'same'],
  ] as const)('compared by %s', (bindAgent, userAgent, fit) => {
    expect(judge(bound(), '192.0.2.1', { bindAgent, userAgent })).toBe(fit);
  });
});
