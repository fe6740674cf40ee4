import { Controller, Get, Param, Post, Query } from '@nestjs/common';
import { CurrentSession, type Session, type SessionsModuleOptions } from 'nest-sessions';
import { SessionsCore } from '#sessions/core/core';
import { harOf } from '#sessions/operate/replay/har';
import { readRecording, recordingOf } from '#sessions/operate/replay/timeline-recording';
import type { JournalEntry } from '#sessions/domain/journal/entry';
import { Browser } from '../support/browser.js';
import { ADAPTERS, startApp, type RunningApp } from '../support/http-app.js';

type RequestEntry = Extract<JournalEntry, { kind: 'request' }>;

@Controller()
class RoomController {
  @Post('begin')
  begin(@CurrentSession() { id }: Session) {
    return { id };
  }

  @Get('rooms/:roomId')
  room(@Param('roomId') roomId: string, @Query('page') page: string) {
    return { roomId, page };
  }

  @Get('rooms/:roomId/letters/:secret')
  letter(@Param('secret') secret: string) {
    return { secret };
  }

  @Get('trees/*')
  tree() {
    return {};
  }
}

describe.each(ADAPTERS)('The paths of a timeline on %s', (adapter) => {
  let running: RunningApp;
  let browser: Browser;
  let core: SessionsCore;
  let id: string;

  async function start(journalPaths: SessionsModuleOptions['journalPaths']): Promise<void> {
    running = await startApp(adapter, {
      controllers: [RoomController],
      options: { store: 'memory', journal: 'requests', journalPaths },
      configure: (app) => app.setGlobalPrefix('api'),
    });
    browser = new Browser(running.url);
    ({ id } = (await (await browser.fetch('/api/begin', { method: 'POST' })).json()) as { id: string });
    core = running.app.get(SessionsCore);
  }
  afterEach(() => running.close());

  async function requests(): Promise<(RequestEntry & { at: number })[]> {
    await core.entries.flush();
    const { entries } = await core.store.journal.read(id, 1000);
    return entries.filter((entry) => entry.kind === 'request').slice(1);
  }
  /** What is kept of one request, beside its route. */
  async function keptOf(path: string): Promise<Pick<RequestEntry, 'path' | 'params'>> {
    await browser.fetch(path);
    const { path: kept, params } = (await requests()).at(-1)!;
    return { path: kept, ...(params !== undefined && { params }) };
  }

  it('are the patterns of routes alone by default', async () => {
    await start(false);
    expect(await keptOf('/api/rooms/42?page=2')).toEqual({ path: null });
    expect((await requests()).at(-1)?.route).toBe('/api/rooms/:roomId');
  });

  it('have the values of parameters that the list names, of routes and queries, and no other', async () => {
    await start(['roomId', 'page']);
    const kept = {
      '/api/rooms/42': { path: '/api/rooms/42' },
      '/api/rooms/42?page=2': { path: '/api/rooms/42?page=2' },
      '/api/rooms/a%2Fb%20%C3%A9?page=2&page=%26': { path: '/api/rooms/a%2Fb%20%C3%A9?page=2&page=%26' },
      '/api/rooms/42?page=2&token=canary': { path: null, params: 'roomId=42&page=2' },
      '/api/rooms/42?canary': { path: null, params: 'roomId=42' },
      '/api/rooms/42/letters/canary': { path: null, params: 'roomId=42' },
      '/api/trees/canary/leaf': { path: null },
      [`/api/rooms/42?page=${'x'.repeat(2100)}`]: { path: null },
    };
    const told: Record<string, unknown> = {};
    for (const path of Object.keys(kept)) told[path] = await keptOf(path);
    expect(told).toEqual(kept);
    expect(JSON.stringify(await core.store.journal.read(id, 1000))).not.toContain('canary');
  });

  it('are replayed where all that is in them is listed', async () => {
    await start('roomId,page');
    for (const path of ['/api/rooms/1?page=2', '/api/rooms/1?q=canary', '/api/rooms/a%20b']) {
      await browser.fetch(path);
    }
    await requests();
    const recording = await readRecording(core, id);
    expect(recording).toMatchObject({ withoutPath: 1 });
    const har = harOf(recording!, '1.2.3');
    expect(har.log.entries.map(({ request }) => request.url)).toEqual([
      'http://localhost/api/begin',
      'http://localhost/api/rooms/1?page=2',
      'http://localhost/api/rooms/a%20b',
    ]);
    expect(JSON.stringify(har)).not.toContain('canary');
  });

  it('that lack a value cannot be replayed', async () => {
    await start(['page']);
    await keptOf('/api/rooms/1');
    const entries = await requests();
    expect(() => recordingOf(id, entries)).toThrow(/lists every parameter/);
  });

  it('are whole with true, as the client sent them', async () => {
    await start(true);
    expect(await keptOf('/api/rooms/a%20b?q=%41&page=')).toEqual({ path: '/api/rooms/a%20b?q=%41&page=' });
  });
});
