import { ADAPTERS } from '../support/http-app.js';
import { idIn, ourCookies, startSessionApp } from './session-app.js';

describe.each(ADAPTERS)('A flood of new sessions on %s', (adapter) => {
  it('stops at the rate of its network: only requests that require a session get 429 with Retry-After', async () => {
    const options = { openRate: 3, maxUnconfirmedPerNetwork: 0, maxSessionsPerNetwork: 0 };
    const app = await startSessionApp(adapter, options, { trustProxy: 'loopback' });
    // To the beginning of a slot of five seconds, which the ring counts by.
    app.clock.advance(5000 - (app.clock.now() % 5000));
    try {
      const from = (address: string) => ({ headers: { 'x-forwarded-for': address } });
      for (let opened = 0; opened < 3; opened += 1) {
        expect(ourCookies(await app.request('/open', from('2001:db8::1')))).toHaveLength(1);
      }
      app.clock.advance(20_500);
      const open = await app.request('/open', from('2001:db8:0:ff:ffff::2'));
      expect(open.status).toBe(200);
      expect(open.headers['set-cookie']).toBeUndefined();
      const needed = await app.request('/session', from('2001:db8::3'));
      expect(needed.status).toBe(429);
      expect(needed.headers['retry-after']).toBe('45');
      expect(JSON.parse(needed.text)).toMatchObject({ statusCode: 429, code: 'SESSION_RATE_LIMITED' });
      expect((await app.request('/session', from('2001:db8:0:100::1'))).status).toBe(200);
      expect((await app.request('/session', from('192.0.2.1'))).status).toBe(200);
      app.clock.advance(44_500);
      expect((await app.request('/session', from('2001:db8::3'))).status).toBe(200);
    } finally {
      await app.close();
    }
  });

  it('of clients that return no cookie stops at a number for each network: 429 with Retry-After, or no session', async () => {
    const app = await startSessionApp(adapter, { maxUnconfirmedPerNetwork: 2 });
    try {
      const [first] = [await app.visitor(), await app.visitor()];
      const open = await app.request('/open');
      expect(open.status).toBe(200);
      expect(open.headers['set-cookie']).toBeUndefined();
      const needed = await app.request('/session');
      expect(needed.status).toBe(429);
      expect(needed.headers['retry-after']).toBe('60');
      expect(JSON.parse(needed.text)).toMatchObject({ code: 'SESSION_RATE_LIMITED' });
      await app.request('/session', { headers: first.headers });
      await app.service.list({ limit: 1, sort: 'created_at' });
      expect((await app.request('/session')).status).toBe(200);
      expect((await app.request('/session')).status).toBe(429);
    } finally {
      await app.close();
    }
  });

  it('evicts sessions without resources, and gets 503 if there are none', async () => {
    const app = await startSessionApp(adapter, { maxSessions: 2, maxSessionsPerNetwork: 0, openRate: 0 });
    try {
      const oldest = await app.visitor();
      app.clock.advance(1000);
      const kept = await app.visitor();
      app.clock.advance(1000);
      const latest = await app.visitor();
      expect(await app.service.describe(oldest)).toBeNull();
      expect((await app.service.totals()).ended.evicted).toBe(1);
      for (const { headers, id } of [kept, latest]) {
        expect(idIn(await app.request('/session', { headers }))).toBe(id);
        await app.service.trackStream({ id }, { close() {} });
      }
      const refused = await app.request('/session');
      expect(refused.status).toBe(503);
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
      expect(JSON.parse(refused.text)).toMatchObject({ statusCode: 503, code: 'SESSIONS_FULL' });
      expect((await app.request('/open')).status).toBe(200);
    } finally {
      await app.close();
    }
  });
});
