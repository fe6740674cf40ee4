import { once } from 'node:events';
import { WebSocket } from 'ws';
import { ADAPTERS } from '../support/http-app.js';
import { AppProcess } from '../support/app-process.js';
import { Browser } from '../support/browser.js';
import { EventStream } from '../support/event-stream.js';
import { eventually } from '../support/eventually.js';
import { bytesOf, formOf } from '../support/recordings.js';
import type { AdminListAnswer, SessionAnswer } from './session-answer.js';

const AGENT = 'test-browser';

interface Message {
  kind: string;
  state?: string;
  session_id?: string;
  resource_id?: string;
  received_bytes?: number;
  total_bytes?: number;
}

describe.each(ADAPTERS)('progress, on %s', (adapter) => {
  let app: AppProcess;

  beforeAll(async () => {
    app = await AppProcess.start(adapter, {
      SESSION_OPEN_RATE: '0',
      SESSION_MAX_UNCONFIRMED_PER_NETWORK: '0',
    });
  });
  afterAll(() => app.destroy());

  async function begin(): Promise<{ browser: Browser; session: SessionAnswer }> {
    const browser = new Browser(app.url);
    const session = (await (await browser.fetch('/session')).json()) as SessionAnswer;
    return { browser, session };
  }

  async function upload(browser: Browser): Promise<string> {
    const body = formOf(await bytesOf('hello-en.wav'), 'hello-en.wav', 'audio/wav');
    const response = await browser.fetch('/audio', { method: 'POST', body });
    return ((await response.json()) as { resource_id: string }).resource_id;
  }

  async function speak(browser: Browser): Promise<string> {
    const response = await browser.fetch('/speech', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text: 'hello' }),
    });
    return ((await response.json()) as { resource_id: string }).resource_id;
  }

  /** A socket with the browser's cookie, and what came over it so far. */
  async function connect(browser: Browser): Promise<{ socket: WebSocket; messages: Message[] }> {
    const headers = { cookie: browser.cookieHeader, 'user-agent': AGENT };
    const socket = new WebSocket(`${app.url.replace('http', 'ws')}/live`, { headers });
    const messages: Message[] = [];
    socket.on('message', (data: Buffer) => messages.push(JSON.parse(data.toString()) as Message));
    await once(socket, 'open');
    await eventually('the greeting came', async () => messages.length > 0);
    return { socket, messages };
  }

  it('arrives as server-sent events, for its own session only', async () => {
    const { browser, session } = await begin();
    const other = await begin();
    const stream = new EventStream(await browser.fetch('/events'));
    expect(stream.response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect((await stream.next())?.data).toEqual({ session_id: session.session_id });

    await upload(other.browser);
    const uploaded = await upload(browser);
    const started = await stream.next();
    expect(started).toMatchObject({ event: 'upload', data: { state: 'started' } });
    const ready = await stream.until(({ event }) => event === 'resource');
    expect(ready.data).toEqual({ state: 'ready', resource_id: uploaded, type: 'audio_file' });
    const finished = await stream.until(({ data }) => data['state'] === 'finished');
    const total = finished.data['total_bytes'];
    expect(finished).toEqual({
      event: 'upload',
      data: { state: 'finished', received_bytes: total, total_bytes: expect.any(Number) },
    });
    expect(total).toBeGreaterThan((await bytesOf('hello-en.wav')).length);

    const spoken = await speak(browser);
    expect(await stream.next()).toEqual({
      event: 'speech',
      data: { state: 'started', resource_id: spoken },
    });
    expect((await stream.until(({ event }) => event === 'speech')).data['state']).toBe('finished');
    await stream.close();
  });

  it('counts an event stream among the resources while it is open', async () => {
    const { browser, session } = await begin();
    const stream = new EventStream(await browser.fetch('/events'));
    await stream.next();
    const open = (await (await browser.fetch('/session')).json()) as SessionAnswer;
    expect(open.resources.map(({ type }) => type)).toEqual(['stream']);
    await stream.close();
    await eventually('the closed stream is no resource any more', async () => {
      const { sessions } = await app.admin<AdminListAnswer>('');
      return sessions.find(({ session_id }) => session_id === session.session_id)?.resource_count === 0;
    });
  });

  it('sends the reason when an event stream ends, and answers 204 to a reconnect', async () => {
    const { browser } = await begin();
    const cookie = browser.cookieHeader;
    const stream = new EventStream(await browser.fetch('/events'));
    await stream.next();
    expect((await browser.fetch('/session', { method: 'DELETE' })).status).toBe(204);
    expect(await stream.next()).toEqual({ event: 'session-ended', data: { reason: 'ended' } });
    expect(await stream.next()).toBeNull();
    const again = await fetch(`${app.url}/events`, { headers: { cookie, 'user-agent': AGENT } });
    expect(again.status).toBe(204);
  });

  it('arrives over a WebSocket, for its own session only', async () => {
    const { browser, session } = await begin();
    const other = await begin();
    const { socket, messages } = await connect(browser);
    expect(messages).toEqual([{ kind: 'hello', session_id: session.session_id }]);
    await speak(other.browser);
    const uploaded = await upload(browser);
    const spoken = await speak(browser);
    await eventually('the speech has finished', async () =>
      messages.some(({ kind, state }) => kind === 'speech' && state === 'finished'),
    );
    expect(messages.filter(({ kind }) => kind === 'speech')).toEqual([
      { kind: 'speech', state: 'started', resource_id: spoken },
      { kind: 'speech', state: 'finished', resource_id: spoken },
    ]);
    const uploads = messages.filter(({ kind }) => kind === 'upload');
    expect(uploads[0]?.state).toBe('started');
    expect(uploads.at(-1)?.state).toBe('finished');
    expect(messages.filter(({ kind }) => kind === 'resource').map(({ resource_id }) => resource_id)).toEqual([
      uploaded,
      spoken,
    ]);
    socket.close();
    await once(socket, 'close');
  });

  it('closes a WebSocket with 4401 when its session ends', async () => {
    const { browser } = await begin();
    const { socket } = await connect(browser);
    const closed = once(socket, 'close');
    await browser.fetch('/session', { method: 'DELETE' });
    expect((await closed)[0]).toBe(4401);
  });

  it('reports a refused upload', async () => {
    const { browser } = await begin();
    const stream = new EventStream(await browser.fetch('/events'));
    const body = formOf(Buffer.from('no audio at all'), 'a.wav', 'audio/wav');
    expect((await browser.fetch('/audio', { method: 'POST', body })).status).toBe(415);
    const failed = await stream.until(({ data }) => data['state'] === 'failed');
    expect(failed.event).toBe('upload');
    await stream.close();
  });

  it('reports the bytes received of a slow upload', async () => {
    const { browser } = await begin();
    const stream = new EventStream(await browser.fetch('/events'));
    const bytes = await bytesOf('hello-en.wav');
    const boundary = 'frontier';
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="audio"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n`;
    const halves = [bytes.subarray(0, bytes.length / 2), bytes.subarray(bytes.length / 2)];
    async function* slowly(): AsyncGenerator<Uint8Array> {
      yield Buffer.from(head);
      yield halves[0]!;
      const half = await stream.until(
        ({ data }) => data['state'] === 'progress' && Number(data['received_bytes']) >= halves[0]!.length,
      );
      expect(half.data['received_bytes']).toBeLessThan(bytes.length);
      yield halves[1]!;
      yield Buffer.from(`\r\n--${boundary}--\r\n`);
    }
    const response = await browser.fetch('/audio', {
      method: 'POST',
      headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
      body: ReadableStream.from(slowly()),
      duplex: 'half',
    });
    expect(response.status).toBe(201);
    await stream.close();
  });
});
