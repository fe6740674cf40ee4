import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller, Logger, Post, UseInterceptors } from '@nestjs/common';
import { WebSocketGateway } from '@nestjs/websockets';
import { UploadedResource, UploadInterceptor, type ResourceRecord } from 'nest-sessions';
import { SessionsWsAdapter } from 'nest-sessions/ws';
import { WebSocket } from 'ws';
import { ADAPTERS } from '../support/http-app.js';
import { SessionStore } from 'nest-sessions/store';
import { EventStream } from '../support/event-stream.js';
import { eventually } from '../support/eventually.js';
import { ourCookies, startSessionApp, type SessionApp, type Visitor } from './session-app.js';

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

@Controller()
class UploadController {
  @Post('upload')
  @UseInterceptors(UploadInterceptor('file'))
  upload(@UploadedResource() { id }: ResourceRecord) {
    return { id };
  }
}

@WebSocketGateway({ path: '/live' })
class LiveGateway {}

/** Lines that differ in ids alone are alike. */
const alike = (line: string): string => line.replaceAll(/[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/g, '<id>');

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
    running = await startSessionApp(
      adapter,
      { store: 'sqlite', storagePath: root, ballastBytes: 65_536 },
      {
        controllers: [UploadController],
        providers: [LiveGateway],
        configure: (nest) => nest.useWebSocketAdapter(new SessionsWsAdapter(nest)),
      },
    );
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
      'STORE_UNAVAILABLE: 20 more',
    ]);
  });

  it('ends, event streams, WebSockets and uploads that fail write one line of each kind', async () => {
    const visitors: Visitor[] = [];
    for (let count = 0; count < 5; count += 1) visitors.push(await running.visitor());
    const [reader, ...others] = visitors;
    if (!reader) throw new Error('no visitor');
    for (const { headers } of others) void new EventStream(await fetch(`${running.url}/events`, { headers }));
    await fillUp();
    const lines: string[] = [];
    const note = (line: unknown): void => void lines.push(String(line));
    jest.spyOn(Logger.prototype, 'warn').mockImplementation(note);
    jest.spyOn(Logger.prototype, 'error').mockImplementation(note);
    for (const { headers } of others) {
      expect((await running.request('/session', { method: 'DELETE', headers })).status).toBe(204);
    }
    const { headers } = reader;
    for (let count = 0; count < 5; count += 1) {
      expect((await fetch(`${running.url}/events`, { headers })).status).toBe(503);
      expect(await upgradeStatus(headers)).toBe(503);
      const body = new FormData();
      body.append('file', new File(['sound'], 'a.wav', { type: 'audio/wav' }));
      expect(
        (await fetch(`${running.url}/upload`, { method: 'POST', headers, body })).status,
      ).toBeGreaterThan(499);
    }
    await eventually('the streams have failed to be released', async () =>
      lines.some((line) => line.startsWith('Releasing resource')),
    );
    const kinds = lines.map(alike);
    expect(kinds).toEqual([...new Set(kinds)]);
    for (const kind of [
      / is refused here; its end is repeated/,
      /^Releasing resource/,
      /SessionsError: The disk of/,
    ]) {
      expect(kinds).toContainEqual(expect.stringMatching(kind));
    }
    lines.length = 0;
    running.clock.advance(60_000);
    expect(await upgradeStatus(headers)).toBe(503);
    expect(lines).toContain('Failed WebSocket handshakes: 4 more');
  });

  function upgradeStatus(headers: Record<string, string>): Promise<number | undefined> {
    const socket = new WebSocket(`${running.url.replace('http', 'ws')}/live`, { headers });
    return new Promise((resolve, reject) => {
      socket.once('unexpected-response', (_request, response) => resolve(response.statusCode));
      socket.once('error', () => {});
      socket.once('open', () => reject(new Error('The upgrade was accepted.')));
    });
  }
});
