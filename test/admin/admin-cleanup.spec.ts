import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SessionService } from 'nest-sessions';
import { SessionsAdminModule } from 'nest-sessions/admin';
import { Browser } from '../support/browser.js';
import { ADAPTERS, startApp, type AdapterName, type RunningApp } from '../support/http-app.js';
import { OwnerController } from '../support/owner-app.js';
import { AdminClient, TOKEN } from './admin-client.js';

/** Sizes of all session files, including those in the trash. */
async function storedSizes(storagePath: string): Promise<number[]> {
  const entries = await readdir(storagePath, { recursive: true, withFileTypes: true });
  const beside = new Set([storagePath, join(storagePath, 'beacons')]);
  const files = entries.filter((entry) => entry.isFile() && !beside.has(entry.parentPath));
  const sizes = await Promise.all(
    files.map(async (file) => (await stat(join(file.parentPath, file.name))).size),
  );
  return sizes.toSorted((a, b) => a - b);
}

describe.each(ADAPTERS)('admin cleanup on %s', (adapter: AdapterName) => {
  let running: RunningApp;
  let admin: AdminClient;

  beforeAll(async () => {
    running = await startApp(adapter, {
      imports: [SessionsAdminModule],
      controllers: [OwnerController],
      options: { adminTokens: [TOKEN], openRate: 0, maxUnconfirmedPerNetwork: 0, maxSessionsPerNetwork: 0 },
    });
    admin = new AdminClient(running.url);
  });

  afterAll(() => running.close());

  async function open(): Promise<{ browser: Browser; id: string }> {
    const browser = new Browser(running.url);
    const { id } = (await (await browser.fetch('/hello')).json()) as { id: string };
    return { browser, id };
  }

  it('answers after files are deleted and streams closed, with their number and size', async () => {
    const { browser, id } = await open();
    const other = await open();
    await browser.fetch('/files?size=1000', { method: 'POST' });
    await browser.fetch('/files?size=234', { method: 'POST' });
    await browser.fetch('/streams', { method: 'POST' });
    await other.browser.fetch('/files?size=66', { method: 'POST' });
    expect(await storedSizes(running.storagePath)).toEqual([66, 234, 1000]);

    const { status, text } = await admin.cleanup(id);

    expect(await storedSizes(running.storagePath)).toEqual([66]);
    expect(running.app.get(OwnerController).closed).toEqual([`${id} admin`]);
    expect(status).toBe(200);
    expect(JSON.parse(text)).toEqual({
      session_id: id,
      cleaned: true,
      resources_cleaned: 3,
      bytes_cleaned: 1234,
    });
    const totals = await running.app.get(SessionService).totals();
    expect(totals.ended.admin).toBe(1);
  });

  it('ends the session for good: its client gets a new one', async () => {
    const { browser, id } = await open();
    await admin.cleanup(id);
    const { id: next } = (await (await browser.fetch('/hello')).json()) as { id: string };
    expect(next).not.toBe(id);
  });

  it('answers 404 the second time, and to all but one of many concurrent requests', async () => {
    const { id } = await open();
    const answers = await Promise.all(Array.from({ length: 8 }, () => admin.cleanup(id)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, ...Array<number>(7).fill(404)]);
    expect((await admin.cleanup(id)).status).toBe(404);
  });

  it('ignores a body', async () => {
    const { id } = await open();
    const { status } = await admin.request(`/admin/sessions/${id}/cleanup`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"session_id":"another","thorough":false,"limit":[1]}',
    });
    expect(status).toBe(200);
  });

  it('refuses requests that a form on another site can send', async () => {
    const { id } = await open();
    const stranger = new AdminClient(running.url, null);
    const { status } = await stranger.request(`/admin/sessions/${id}/cleanup`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain', origin: 'https://evil.example' },
      body: `X-Admin-Token=${TOKEN}`,
    });
    expect([401, 415]).toContain(status);
    expect((await admin.request(`/admin/sessions/${id}`)).status).toBe(200);
  });
});
