import { WebSocket } from 'ws';
import { Browser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { filesOnDisk } from '../support/files-on-disk.js';
import { ADAPTERS } from '../support/http-app.js';
import { SlowUpload, startLoginApp, type LoginApp } from './login-app.js';

const EVENT_STREAM = { accept: 'text/event-stream' };

/** Counts what an event stream sends, until it ends. */
function follow(response: Response): { text: string; ended: Promise<void> } {
  const stream = { text: '', ended: Promise.resolve() };
  stream.ended = (async () => {
    for await (const part of response.body!.pipeThrough(new TextDecoderStream())) stream.text += part;
  })();
  return stream;
}

function followSocket(url: string, cookie: string) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/live`, { headers: { cookie } });
  const seen = { socket, ticks: 0, closed: Promise.resolve(0) };
  socket.on('message', () => (seen.ticks += 1));
  socket.on('error', () => {});
  seen.closed = new Promise((resolve) => socket.once('close', resolve));
  return seen;
}

describe.each(ADAPTERS)('A login, on two servers with %s,', (adapter) => {
  let here: LoginApp;
  let there: LoginApp;
  beforeEach(async () => {
    here = await startLoginApp(adapter);
    there = await startLoginApp(adapter, here.storagePath);
  });
  afterEach(async () => {
    await there.close();
    await here.close();
  });

  it.each(['here', 'there'] as const)(
    'cuts off the stream, the WebSocket and the slow upload of who planted the token, %s',
    async (where) => {
      const victim = new Browser(here.url);
      const { id } = (await (await victim.fetch('/hello')).json()) as { id: string };
      const planted = victim.cookieHeader;
      const server = where === 'here' ? here : there;
      const stream = follow(await fetch(`${server.url}/events`, { headers: { cookie: planted } }));
      const socket = followSocket(server.url, planted);
      const upload = SlowUpload.begin(server.url, planted);
      await eventually('all three are under way', async () => {
        const resources = await here.service.describe({ id });
        return socket.ticks > 2 && stream.text.includes('tick') && resources?.incomingCount === 1;
      });

      expect((await victim.fetch('/login', { method: 'POST' })).status).toBe(200);
      if (where === 'there') await new Promise((resolve) => setTimeout(resolve, 700));
      const [text, { ticks }] = [stream.text, socket];
      socket.socket.send(JSON.stringify({ event: 'note', data: 'planted' }));
      upload.write(50_000);
      upload.end();
      expect(await upload.answered).toMatchObject({
        status: 409,
        body: expect.stringContaining('SESSION_STALE'),
      });
      expect(await socket.closed).toBe(4409);
      await stream.ended;
      expect(stream.text.slice(text.length)).toMatch(/^(id: \d+\n)?retry: 1000\n\n$/);
      expect(stream.text).not.toContain('session-ended');
      expect(socket.ticks).toBe(ticks);
      expect(server.gateway.handled).toEqual([]);
      expect(await here.controller.job).toBe(5000);
      const details = await here.service.describe({ id });
      expect(details).toMatchObject({ userId: 'ada', incomingCount: 0, resources: [{ purpose: 'job' }] });
      expect(await filesOnDisk(here.storagePath)).toHaveLength(1);
    },
  );

  it('has the old token answered so that pages come back with the new one', async () => {
    const victim = new Browser(here.url);
    await victim.fetch('/hello');
    const cookie = victim.cookieHeader;
    await victim.fetch('/login', { method: 'POST' });
    for (const { url } of [here, there]) {
      const plain = await fetch(`${url}/hello`, { headers: { cookie } });
      expect([plain.status, plain.headers.getSetCookie()]).toEqual([409, []]);
      const stream = await fetch(`${url}/events`, { headers: { cookie, ...EVENT_STREAM } });
      expect([stream.status, stream.headers.getSetCookie()]).toEqual([200, []]);
      expect(stream.headers.get('content-type')).toMatch(/^text\/event-stream/);
      expect(await stream.text()).toBe('retry: 1000\n\n');
      expect(await followSocket(url, cookie).closed).toBe(4409);
    }
    expect(await (await victim.fetch('/hello')).json()).toMatchObject({ userId: 'ada' });
  });
});
