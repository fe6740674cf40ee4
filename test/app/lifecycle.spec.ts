import { request } from 'node:http';
import { ADAPTERS } from '../support/http-app.js';
import { AppProcess } from '../support/app-process.js';
import { Browser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { filesOnDisk } from '../support/files-on-disk.js';
import { bytesOf, formOf } from '../support/recordings.js';
import type { AdminListAnswer, SessionAnswer, UploadAnswer } from './session-answer.js';

async function post(browser: Browser, bytes: Uint8Array, name: string): Promise<Response> {
  return browser.fetch('/audio', { method: 'POST', body: formOf(bytes, name, 'audio/wav') });
}

async function upload(browser: Browser, name: string): Promise<string> {
  const response = await post(browser, await bytesOf(name), name);
  return ((await response.json()) as UploadAnswer).resource_id;
}

async function sessionOf(browser: Browser): Promise<SessionAnswer> {
  return (await (await browser.fetch('/session')).json()) as SessionAnswer;
}

function onDisk(files: readonly string[], resourceId: string): boolean {
  return files.some((file) => file.includes(resourceId.replaceAll('-', '')));
}

describe.each(ADAPTERS)('the life of a session, on %s', (adapter) => {
  it('at its limit, evicts the least recently used resource', async () => {
    const app = await AppProcess.start(adapter, { MAX_RESOURCES_PER_SESSION: '3' });
    try {
      const browser = new Browser(app.url);
      const first = await upload(browser, 'hello-en.wav');
      const second = await upload(browser, 'hola-es.mp3');
      const third = await upload(browser, 'hello-en.webm');
      await (await browser.fetch(`/resources/${first}`)).arrayBuffer();
      const fourth = await upload(browser, 'live-en.webm');
      const held = await sessionOf(browser);
      expect(held.resources.map(({ resource_id }) => resource_id).toSorted()).toEqual(
        [first, third, fourth].toSorted(),
      );
      expect((await browser.fetch(`/resources/${second}`)).status).toBe(404);
      expect(onDisk(await filesOnDisk(app.storagePath), second)).toBe(false);
    } finally {
      await app.destroy();
    }
  });

  it('refuses a file above the limit of the session with 413, and evicts nothing', async () => {
    const app = await AppProcess.start(adapter, { MAX_BYTES_PER_SESSION: '300000' });
    try {
      const browser = new Browser(app.url);
      const kept = await upload(browser, 'hello-en.wav');
      const refused = await post(browser, Buffer.alloc(2_000_000), 'huge.wav');
      expect(refused.status).toBe(413);
      const held = await sessionOf(browser);
      expect(held.resources.map(({ resource_id }) => resource_id)).toEqual([kept]);
      expect(await filesOnDisk(app.storagePath)).toHaveLength(1);
    } finally {
      await app.destroy();
    }
  });

  it('ends at its idle end: its files are deleted, and its cookie is refused', async () => {
    const app = await AppProcess.start(adapter, {
      MAX_SESSION_IDLE_TIME: '2',
      SESSION_CLEANUP_INTERVAL: '1',
    });
    try {
      const browser = new Browser(app.url);
      await upload(browser, 'hello-en.wav');
      const before = await sessionOf(browser);
      expect(await filesOnDisk(app.storagePath)).toHaveLength(1);
      const { stats } = await eventually('the session ended', async () => {
        const list = await app.admin<AdminListAnswer>('');
        return list.stats.active_sessions === 0 && list;
      });
      expect(stats).toMatchObject({
        total_sessions_created: 1,
        total_sessions_cleaned: 1,
        active_sessions: 0,
      });
      await eventually('its files are gone', async () => (await filesOnDisk(app.storagePath)).length === 0);
      expect((await sessionOf(browser)).session_id).not.toBe(before.session_id);
    } finally {
      await app.destroy();
    }
  });

  it('survives a killed server, unlike an unfinished upload', async () => {
    const short = { SESSION_CLEANUP_INTERVAL: '1' };
    const killed = await AppProcess.start(adapter, short);
    const browser = new Browser(killed.url);
    const kept = await upload(browser, 'hello-en.wav');
    const begun = request(new URL('/audio', killed.url), {
      method: 'POST',
      headers: {
        cookie: browser.cookieHeader,
        'user-agent': 'test-browser',
        'content-type': 'multipart/form-data; boundary=x',
      },
    });
    begun.on('error', () => {});
    begun.write('--x\r\nContent-Disposition: form-data; name="audio"; filename="half.wav"\r\n\r\n');
    begun.write(Buffer.alloc(100_000));
    await eventually('half a file lies on the disk', async () =>
      (await filesOnDisk(killed.storagePath)).some((file) => file.endsWith('.part')),
    );
    await killed.stop('SIGKILL');
    expect(await filesOnDisk(killed.storagePath)).toHaveLength(2);

    const restarted = await AppProcess.start(adapter, short, killed.storagePath);
    try {
      const files = await eventually('only the finished file is left', async () => {
        const left = await filesOnDisk(restarted.storagePath);
        return left.length === 1 && left;
      });
      expect(onDisk(files, kept)).toBe(true);
      // The file goes first, and its record a moment later.
      const { sessions, stats } = await eventually('only its record is left', async () => {
        const listed = await restarted.admin<AdminListAnswer>('');
        return listed.sessions[0]?.resources.length === 1 && listed;
      });
      expect(stats['total_sessions_created']).toBe(1);
      expect(sessions).toMatchObject([{ resource_count: 1, resources: [{ resource_id: kept }] }]);
      expect(sessions[0]?.total_bytes_used).toBe((await bytesOf('hello-en.wav')).length);
      const download = await fetch(`${restarted.url}/resources/${kept}`, {
        headers: { cookie: browser.cookieHeader, 'user-agent': 'test-browser' },
      });
      expect(Buffer.from(await download.arrayBuffer()).equals(await bytesOf('hello-en.wav'))).toBe(true);
    } finally {
      await restarted.destroy();
    }
  });
});
