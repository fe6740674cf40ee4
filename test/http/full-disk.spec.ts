import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { ADAPTERS } from '../support/http-app.js';
import { SessionStore } from 'nest-sessions/store';
import { EventStream } from '../support/event-stream.js';
import { eventually } from '../support/eventually.js';
import { ourCookies, startSessionApp, type SessionApp } from './session-app.js';

const CHUNK = Buffer.alloc(64 * 1024);

/** Writes chunks of falling size until not a byte is left. */
function fill(path: string): void {
  for (let bytes = CHUNK.length; bytes >= 1;) {
    try {
      appendFileSync(path, CHUNK.subarray(0, bytes));
    } catch {
      bytes = Math.floor(bytes / 2);
    }
  }
}

describe.each(ADAPTERS)('On a disk that is full to the last byte, on %s', (adapter) => {
  let folder: string;
  let running: SessionApp;
  let hog: string;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'nest-sessions-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m,mode=0700', 'tmpfs', folder]);
    const root = join(folder, 'root');
    mkdirSync(root, { mode: 0o700 });
    hog = join(folder, 'hog');
    running = await startSessionApp(adapter, { store: 'sqlite', storagePath: root, ballastBytes: 65_536 });
  });

  afterEach(async () => {
    await running.close();
    execFileSync('umount', ['-l', folder]);
    rmSync(folder, { recursive: true });
    jest.restoreAllMocks();
  });

  /** Until the store has nothing left to free: the ballast has gone, too. */
  async function fillUp(): Promise<void> {
    for (let status = 200; status !== 503;) {
      fill(hog);
      ({ status } = await running.request('/session'));
    }
  }

  it('a logout succeeds: the session is refused at once, cut off, and ends in the store when there is room', async () => {
    const visitor = await running.visitor();
    const stream = new EventStream(await fetch(`${running.url}/events`, { headers: visitor.headers }));
    const over: string[] = [];
    running.service.events.on('session.over', ({ sessionId }) => over.push(sessionId));
    await fillUp();
    const logout = await running.request('/session', { method: 'DELETE', headers: visitor.headers });
    expect(logout.status).toBe(204);
    expect(ourCookies(logout)).toEqual([expect.stringContaining('Max-Age=0')]);
    expect(over).toContain(visitor.id);
    await stream.until(({ event }) => event === 'session-ended');
    expect(await stream.next()).toBeNull();
    const { kind } = await running.service.identify(visitor.cookie.replace(/^[^=]+=/, ''), {
      ipAddress: '127.0.0.1',
      userAgent: 'test',
    });
    expect(kind).toBe('ended');
    expect(await running.service.describe(visitor)).toBeNull();
    await expect(running.service.createFile(visitor, { type: 'temp_file' })).rejects.toMatchObject({
      code: 'SESSION_GONE',
    });
    const { sessions } = running.app.get(SessionStore);
    expect(await sessions.find(visitor.id)).toMatchObject({ state: 'open' });

    rmSync(hog);
    await eventually('the session ends in the store', async () => {
      const record = await sessions.find(visitor.id);
      return record?.state === 'ended' && record.endReason === 'ended';
    });
  });

  it('failing requests write one line, and one a minute while it lasts', async () => {
    const lines: string[] = [];
    jest
      .spyOn(Logger.prototype, 'error')
      .mockImplementation((line: unknown) => void lines.push(String(line)));
    await fillUp();
    const fail = async (): Promise<void> => {
      const { status } = await running.request('/session');
      expect(status).toBe(503);
    };
    for (let count = 0; count < 20; count += 1) await fail();
    running.clock.advance(60_000);
    for (let count = 0; count < 5; count += 1) await fail();
    expect(lines).toEqual([
      expect.stringContaining('The disk of the session database is full'),
      'STORE_UNAVAILABLE goes on: 20 more requests failed',
    ]);
  });
});
