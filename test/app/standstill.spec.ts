import { SlowUpload } from '../http/login-app.js';
import { AppProcess } from '../support/app-process.js';
import { Browser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';

const ENVIRONMENT = {
  SESSION_OPEN_RATE: '0',
  SESSION_BIND_AGENT: 'off',
  SESSION_CLEANUP_INTERVAL: '1',
  SESSION_MAX_STREAMS_PER_SESSION: '3',
};

interface Seen {
  readonly resources: { readonly type: string }[];
  readonly incoming: { readonly resources: number };
}

/** A server that is stopped and goes on, as a machine does that is migrated or has no memory left for a while. */
describe('A server that stood still for more than 10 s', () => {
  it('has its streams counted again, and never tells a client that a live session is over', async () => {
    const still = await AppProcess.start('express', ENVIRONMENT);
    const other = await AppProcess.start('fastify', ENVIRONMENT, still.storagePath);
    const aborted = new AbortController();
    try {
      const browser = new Browser(still.url);
      const { session_id: id } = (await (await browser.fetch('/session')).json()) as { session_id: string };
      const listen = (server: AppProcess) =>
        fetch(`${server.url}/events`, {
          headers: { cookie: browser.cookieHeader },
          signal: aborted.signal,
        });
      const streams = async (): Promise<number> =>
        (await other.admin<Seen>(`/${id}`)).resources.filter(({ type }) => type === 'stream').length;
      const kept = await Promise.all([listen(still), listen(still)]);
      const upload = SlowUpload.begin(still.url, browser.cookieHeader, '/audio', 'audio');
      await eventually('both streams count', async () => (await streams()) === 2);
      await eventually(
        'the upload is under way',
        async () => (await other.admin<Seen>(`/${id}`)).incoming.resources === 1,
      );

      still.signal('SIGSTOP');
      await eventually('the other gives it up', async () => (await streams()) === 0, 25_000);
      still.signal('SIGCONT');
      upload.write(3_000_000);
      upload.end();
      const { status, body } = await upload.answered;
      expect([status, body]).toEqual([503, expect.stringContaining('STORAGE_UNAVAILABLE')]);
      await eventually('both streams count again', async () => (await streams()) === 2, 5000);
      const more = await Promise.all([listen(other), listen(still), listen(other)]);
      expect(more.map((response) => response.status).toSorted((a, b) => a - b)).toEqual([200, 429, 429]);
      expect((await browser.fetch('/session')).status).toBe(200);
      // What nobody refers to is closed by the garbage collector.
      expect(kept.map((response) => response.bodyUsed)).toEqual([false, false]);
    } finally {
      aborted.abort();
      still.signal('SIGCONT');
      await other.stop('SIGKILL');
      await still.destroy();
    }
  }, 60_000);
});
