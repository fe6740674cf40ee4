import { setTimeout as wait } from 'node:timers/promises';
import { Controller, Get, Inject, Res } from '@nestjs/common';
import { Cleanup } from '#sessions/core/cleanup/cleanup';
import { CurrentSession, PassiveRequest, SessionService, type Session } from 'nest-sessions';
import { ADAPTERS } from '../support/http-app.js';
import { cookieOf, idIn, ourCookies, startSessionApp, type SessionApp } from './session-app.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

@Controller('work')
class WorkController {
  /** Holds handlers back until the test lets them go on. */
  held = Promise.withResolvers<void>();
  arrived = Promise.withResolvers<void>();

  constructor(@Inject(SessionService) private readonly sessions: SessionService) {}

  /** Writes a temp file, works for long, and looks at the file again. */
  @Get()
  async work(@CurrentSession() session: Session) {
    const sink = await this.sessions.createTempFile(session);
    await new Promise<void>((resolve) => sink.end('intermediate', resolve));
    this.arrived.resolve();
    await this.held.promise;
    const found = await this.sessions.findResource(session, sink.resource.id);
    return { id: session.id, found: found !== null };
  }

  /** The same without a file. */
  @Get('bare')
  async bare(@CurrentSession() session: Session) {
    this.arrived.resolve();
    await this.held.promise;
    return { id: session.id };
  }

  /** An event stream that the application writes by itself. */
  @Get('events')
  events(@CurrentSession() _session: Session, @Res() response: { raw?: object }) {
    const raw = (response.raw ?? response) as {
      setHeader(name: string, value: string): void;
      write(text: string): void;
    };
    raw.setHeader('Content-Type', 'text/event-stream');
    raw.write(': hello\n\n');
    this.arrived.resolve();
  }

  @Get('poll')
  @PassiveRequest()
  poll(@CurrentSession({ optional: true }) session: Session | null) {
    return { id: session?.id ?? null };
  }
}

describe.each(ADAPTERS)('A request in flight on %s', (adapter) => {
  let app: SessionApp;
  let work: WorkController;
  let cleanup: Cleanup;
  beforeEach(async () => {
    app = await startSessionApp(
      adapter,
      { openRate: 0, maxUnconfirmedPerNetwork: 0, maxSessionsPerNetwork: 0 },
      { controllers: [WorkController] },
    );
    work = app.app.get(WorkController);
    cleanup = app.app.get(Cleanup);
  });
  afterEach(async () => {
    work.held.resolve();
    await app.close();
  });

  /** Lets time pass in steps, with the cleanup that is due after each. */
  async function pass(minutes: number, step = 1): Promise<void> {
    for (let passed = 0; passed < minutes; passed += step) {
      app.clock.advance(step * MINUTE);
      await cleanup.run('idle');
      await cleanup.run('expired');
    }
  }

  const lastActivityOf = async (id: string): Promise<number | undefined> =>
    (await app.service.describe({ id }))?.lastActivityAt;

  async function confirmedVisitor() {
    const visitor = await app.visitor();
    await app.request('/open', { headers: visitor.headers });
    return visitor;
  }

  it('keeps its session and its temp files, though nothing moves for longer than the idle time', async () => {
    const visitor = await confirmedVisitor();
    const answer = app.request('/work', { headers: visitor.headers });
    await work.arrived.promise;
    await pass(40);
    work.held.resolve();
    expect(JSON.parse((await answer).text)).toEqual({ id: visitor.id, found: true });
  });

  it('is activity until its response has ended, and no longer', async () => {
    const visitor = await confirmedVisitor();
    const answer = app.request('/work', { headers: visitor.headers });
    await work.arrived.promise;
    await pass(20);
    app.clock.advance(1234);
    const endedAt = app.clock.now();
    work.held.resolve();
    await answer;
    await wait(50);
    expect(await lastActivityOf(visitor.id)).toBe(endedAt);
    await pass(14);
    expect(await lastActivityOf(visitor.id)).toBe(endedAt);
    await pass(1);
    expect(await lastActivityOf(visitor.id)).toBeUndefined();
  });

  it('is no activity after its connection has closed, though its handler goes on', async () => {
    const visitor = await confirmedVisitor();
    const abort = new AbortController();
    const answer = fetch(`${app.url}/work`, { headers: visitor.headers, signal: abort.signal });
    await work.arrived.promise;
    await pass(16);
    expect(await lastActivityOf(visitor.id)).toBeDefined();
    abort.abort();
    await expect(answer).rejects.toThrow('abort');
    await wait(50);
    await pass(15);
    expect((await app.service.totals()).ended.idle).toBe(1);
  });

  it('does not outlive the absolute end', async () => {
    const visitor = await confirmedVisitor();
    const answer = app.request('/work', { headers: visitor.headers });
    await work.arrived.promise;
    await pass(HOUR / MINUTE, 5);
    expect((await app.service.totals()).ended.expired).toBe(1);
    work.held.resolve();
    expect(JSON.parse((await answer).text)).toEqual({ id: visitor.id, found: false });
  });

  it('of a client whose cookie never came back holds its session for 5 minutes', async () => {
    const answer = app.request('/work/bare');
    await work.arrived.promise;
    await pass(5, 0.25);
    expect((await app.service.totals()).open).toBe(1);
    await pass(1.25, 0.25);
    expect((await app.service.totals()).ended.unconfirmed).toBe(1);
    work.held.resolve();
    await answer;
  });

  it('holds it longer if the cookie comes back meanwhile', async () => {
    const first = await app.request('/open');
    const headers = { cookie: cookieOf(first) };
    const { id } = JSON.parse((await app.request('/session', { headers })).text) as { id: string };
    const answer = app.request('/work/bare', { headers });
    await work.arrived.promise;
    await pass(30);
    expect(await lastActivityOf(id)).toBeDefined();
    work.held.resolve();
    await answer;
  });

  it('is no activity if it is an event stream that the application writes', async () => {
    const visitor = await confirmedVisitor();
    const abort = new AbortController();
    await fetch(`${app.url}/work/events`, { headers: visitor.headers, signal: abort.signal });
    await pass(15);
    expect((await app.service.totals()).ended.idle).toBe(1);
    abort.abort();
  });
});

describe.each(ADAPTERS)('A passive request on %s', (adapter) => {
  let app: SessionApp;
  let cleanup: Cleanup;
  beforeEach(async () => {
    app = await startSessionApp(adapter, {}, { controllers: [WorkController] });
    cleanup = app.app.get(Cleanup);
  });
  afterEach(() => app.close());

  const poll = (headers?: Record<string, string>) => app.request('/work/poll', headers && { headers });

  it('finds the session, but is no activity: the session idles out under the polls of its page', async () => {
    const visitor = await app.visitor();
    await app.request('/open', { headers: visitor.headers });
    const { lastActivityAt, requestCount } = (await app.service.describe(visitor))!;
    for (let minute = 1; minute < 15; minute += 1) {
      app.clock.advance(MINUTE);
      expect(idIn(await poll(visitor.headers))).toBe(visitor.id);
      await cleanup.run('idle');
    }
    expect(await app.service.describe(visitor)).toMatchObject({ lastActivityAt, requestCount });
    app.clock.advance(MINUTE);
    expect(JSON.parse((await poll(visitor.headers)).text)).toEqual({ id: null });
    expect((await app.service.totals()).ended.idle).toBe(1);
  });

  it('opens no session, neither for a new client nor for one whose session is over', async () => {
    const visitor = await app.visitor();
    await app.service.end(visitor);
    for (const headers of [undefined, visitor.headers]) {
      const answer = await poll(headers);
      expect(JSON.parse(answer.text)).toEqual({ id: null });
      expect(ourCookies(answer)).toEqual([]);
    }
    expect((await app.service.totals()).created).toBe(1);
  });

  it('shows that the cookie has come back: the session of somebody who reads a page lives its idle time', async () => {
    const visitor = await app.visitor();
    const openedAt = app.clock.now();
    app.clock.advance(10_000);
    await poll(visitor.headers);
    app.clock.advance(MINUTE);
    await cleanup.run('idle');
    expect(await app.service.describe(visitor)).toMatchObject({ lastActivityAt: openedAt, requestCount: 2 });
  });
});
