import type { SessionsModuleOptions } from 'nest-sessions';
import { ADAPTERS } from '../support/http-app.js';
import type { VerbatimRequest } from '../support/verbatim-request.js';
import { idIn, startSessionApp, type SessionApp } from './session-app.js';

type Options = Omit<SessionsModuleOptions, 'adapters'>;
type Row = [name: string, options: Options, first: string, later: string, isSame: boolean];

const ADDRESSES: Row[] = [
  ['the same address', {}, '192.0.2.1', '192.0.2.1', true],
  ['the same address in IPv6 clothes', {}, '192.0.2.1', '::ffff:192.0.2.1', true],
  ['the same address in hexadecimal clothes', {}, '192.0.2.1', '::ffff:c000:201', true],
  ['a neighbour', {}, '192.0.2.1', '192.0.2.2', false],
  ['another address of one /64', {}, '2001:db8::1', '2001:db8::ffff:0:0:1', true],
  ['the next /64', {}, '2001:db8:0:0::1', '2001:db8:0:1::1', false],
  ['an IPv4 address for an IPv6 one', {}, '2001:db8::1', '192.0.2.1', true],
  ['an IPv4 address for an IPv6 one, exactly', { bindIp: 'exact' }, '2001:db8::1', '192.0.2.1', false],
  ['another address of one /64, exactly', { bindIp: 'exact' }, '2001:db8::1', '2001:db8::2', false],
  ['a neighbour, by prefix', { bindIp: 'prefix' }, '192.0.2.1', '192.0.2.200', true],
  ['the next /24, by prefix', { bindIp: 'prefix' }, '192.0.2.1', '192.0.3.1', false],
  ['any address, unbound', { bindIp: 'off' }, '192.0.2.1', '2001:db8::1', true],
];

describe.each(ADAPTERS)('A session is bound to its client on %s:', (adapter) => {
  const withApp = async (options: Options, use: (app: SessionApp) => Promise<void>): Promise<void> => {
    const app = await startSessionApp(adapter, options, { trustProxy: 'loopback' });
    try {
      await use(app);
    } finally {
      await app.close();
    }
  };
  const from = (address: string, agent = 'test') => ({ 'x-forwarded-for': address, 'user-agent': agent });

  it.each(ADDRESSES)('%s', (_, options, first, later, isSame) =>
    withApp(options, async (app) => {
      const { id, cookie } = await app.visitor(from(first));
      const response = await app.request('/session', { headers: { ...from(later), cookie } });
      expect(idIn(response) === id).toBe(isSame);
    }),
  );

  it.each([
    ['browser', false],
    ['exact', false],
    ['off', true],
  ] as const)('another agent, when agents are compared: %s', (bindAgent, isSame) =>
    withApp({ bindAgent }, async (app) => {
      const { id, cookie } = await app.visitor(from('192.0.2.1', 'one'));
      const response = await app.request('/session', { headers: { ...from('192.0.2.1', 'two'), cookie } });
      expect(idIn(response) === id).toBe(isSame);
    }),
  );

  it('a client without an agent is the same client', () =>
    withApp({}, async (app) => {
      const { id, headers } = await app.visitor({ 'x-forwarded-for': '192.0.2.1' });
      const response = await app.request('/session', { headers });
      expect(JSON.parse(response.text)).toMatchObject({ id, userAgent: '', ipAddress: '192.0.2.1' });
    }));

  it('an agent is one line, cut to its maximum length', () =>
    withApp({}, async (app) => {
      const agent = `a\tb\u009b2J${'x'.repeat(8000)}`;
      const { id, headers } = await app.visitor(from('192.0.2.1', agent));
      const { userAgent } = (await app.service.describe({ id }))!;
      expect(userAgent).toBe(`a b 2J${'x'.repeat(506)}`);
      expect(idIn(await app.request('/session', { headers }))).toBe(id);
    }));

  describe('a request of another client', () => {
    const steal = async (app: SessionApp) => {
      const told: string[] = [];
      app.service.events.on('session.mismatch', ({ property }) => told.push(property));
      app.service.events.on('session.refused', ({ reason }) => told.push(reason));
      const victim = await app.visitor(from('192.0.2.1'));
      const response = await app.request('/open', {
        headers: { ...from('192.0.2.9'), cookie: victim.cookie },
      });
      expect(told).toEqual(['address', 'mismatch']);
      return { victim, response, after: await app.request('/session', { headers: victim.headers }) };
    };

    it('gets a fresh session, and the owner keeps the old one', () =>
      withApp({}, async (app) => {
        const { victim, response, after } = await steal(app);
        expect(response.status).toBe(200);
        expect(response.headers['set-cookie']).toHaveLength(1);
        expect(idIn(after)).toBe(victim.id);
      }));

    it('is refused with 401, and the owner keeps the session', () =>
      withApp({ onMismatch: 'refuse' }, async (app) => {
        const { victim, response, after } = await steal(app);
        expect(response.status).toBe(401);
        expect(JSON.parse(response.text)).toMatchObject({ code: 'SESSION_BINDING_MISMATCH' });
        expect(response.headers['set-cookie']).toBeUndefined();
        expect(idIn(after)).toBe(victim.id);
      }));

    it('ends the session for both', () =>
      withApp({ onMismatch: 'end' }, async (app) => {
        const { victim, response, after } = await steal(app);
        expect(response.status).toBe(200);
        expect(response.headers['set-cookie']).toHaveLength(1);
        expect(idIn(after)).not.toBe(victim.id);
        expect(await app.service.describe(victim)).toBeNull();
      }));
  });
});

describe.each(ADAPTERS)('Forwarding headers of a proxy that is not trusted, on %s,', (adapter) => {
  const HEADERS: NonNullable<VerbatimRequest['headers']>[] = [
    { 'x-forwarded-for': '203.0.113.7' },
    { 'x-forwarded-for': ['unknown', '203.0.113.7, [2001:db8::1]:80, , fe80::1%eth0'] },
    { 'x-forwarded-for': '' },
    { 'x-forwarded-for': Array(1000).fill('10.0.0.1').join(', ') },
    { 'x-real-ip': '203.0.113.7' },
    { forwarded: 'for=203.0.113.7;proto=https' },
  ];

  it('change nothing', async () => {
    const app = await startSessionApp(adapter);
    try {
      const { id, headers } = await app.visitor();
      for (const forwarding of HEADERS) {
        const response = await app.request('/session', { headers: { ...headers, ...forwarding } });
        expect(JSON.parse(response.text)).toMatchObject({ id, ipAddress: '127.0.0.1' });
      }
    } finally {
      await app.close();
    }
  });
});
