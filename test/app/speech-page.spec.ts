import type { Page } from 'playwright-core';
import { AppProcess } from '../support/app-process.js';
import { Chromium } from '../support/chromium.js';
import { ADAPTERS } from '../support/http-app.js';
import { Proxy } from '../support/proxies.js';

/** What the page keeps, and what its functions do. The test calls them one by one. */
const PAGE = `
const page = (window.page = { greetings: [], sockets: [], codes: [], ended: null, streamErrors: 0 });
const once = (target, event) => new Promise((resolve, reject) => {
  target.addEventListener(event, resolve, { once: true });
  target.addEventListener('error', () => reject(new Error(event + ' did not come: ' + target.error?.message)), { once: true });
});
page.until = async (holds) => { while (!holds()) await new Promise((go) => setTimeout(go, 50)); };
page.connect = () => {
  const events = (page.events = new EventSource('/events'));
  events.addEventListener('hello', ({ data }) => page.greetings.push(JSON.parse(data).session_id));
  events.addEventListener('error', () => (page.streamErrors += 1));
  events.addEventListener('session-ended', ({ data }) => { page.ended = JSON.parse(data).reason; events.close(); });
  const socketOf = () => {
    const socket = new WebSocket(location.origin.replace('http', 'ws') + '/live');
    socket.onmessage = ({ data }) => { const { kind, session_id } = JSON.parse(data); if (kind === 'hello') page.sockets.push(session_id); };
    socket.onclose = ({ code }) => { page.codes.push(code); if (code !== 4401) setTimeout(socketOf, 200); };
  };
  socketOf();
};
page.upload = async (blob, name) => {
  const form = new FormData();
  form.append('audio', blob, name);
  const response = await fetch('/audio', { method: 'POST', body: form });
  return { status: response.status, ...(await response.json()) };
};
page.record = async (ms) => {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const recorder = new MediaRecorder(stream);
  const parts = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  recorder.start(250);
  await new Promise((go) => setTimeout(go, ms));
  recorder.stop();
  await once(recorder, 'stop');
  for (const track of stream.getTracks()) track.stop();
  return page.upload(new Blob(parts, { type: recorder.mimeType.split(';')[0] }), 'phrase.webm');
};
page.silence = (seconds) => {
  const bytes = seconds * 48000 * 2;
  const head = new DataView(new ArrayBuffer(44));
  const text = (at, letters) => [...letters].forEach((letter, index) => head.setUint8(at + index, letter.charCodeAt(0)));
  text(0, 'RIFF'); head.setUint32(4, 36 + bytes, true); text(8, 'WAVEfmt '); head.setUint32(16, 16, true);
  head.setUint16(20, 1, true); head.setUint16(22, 1, true); head.setUint32(24, 48000, true); head.setUint32(28, 96000, true);
  head.setUint16(32, 2, true); head.setUint16(34, 16, true); text(36, 'data'); head.setUint32(40, bytes, true);
  return page.upload(new Blob([head, new Uint8Array(bytes)], { type: 'audio/wav' }), 'silence.wav');
};
page.play = async (id) => {
  const audio = (page.audio = new Audio('/resources/' + id));
  document.body.append(audio);
  await audio.play();
  await once(audio, 'ended');
  return audio.currentTime;
};
page.seek = async (id, to) => {
  const audio = page.audio?.src.endsWith(id) ? page.audio : (page.audio = new Audio('/resources/' + id));
  audio.preload = 'metadata';
  if (audio.readyState < 1) await once(audio, 'loadedmetadata');
  const sought = once(audio, 'seeked');
  audio.currentTime = to;
  await sought;
  await audio.play();
  await page.until(() => audio.currentTime > to + 0.2);
  audio.pause();
  return audio.currentTime;
};
`;

interface Uploaded {
  readonly status: number;
  readonly resource_id: string;
  readonly codec: string;
}

const inPage = <Answer>(page: Page, expression: string): Promise<Answer> => page.evaluate<Answer>(expression);

describe.each(ADAPTERS)('A page in Chromium, through nginx with TLS, on %s,', (adapter) => {
  it('plays and seeks what it recorded, has its streams back, logs in and out', async () => {
    const app = await AppProcess.start(adapter, {
      TRUST_PROXY: '127.0.0.1',
      DEMO_USERS: 'ada:a-password-for-tests',
    });
    const proxy = await Proxy.start('nginx', { upstream: app.url });
    const browser = await Chromium.open(`${proxy.url}/session`);
    const { page } = browser;
    const ranges: string[] = [];
    page.on('response', (response) => {
      const range = response.headers()['content-range'];
      if (range) ranges.push(`${response.status()} ${range}`);
    });
    try {
      await page.evaluate(PAGE);
      const { session_id } = await inPage<{ session_id: string }>(
        page,
        `fetch('/session').then((answer) => answer.json())`,
      );
      expect(await page.context().cookies()).toMatchObject([
        { name: '__Host-sid', secure: true, httpOnly: true },
      ]);
      await inPage(page, `page.connect()`);
      await inPage(page, `page.until(() => page.greetings.length > 0 && page.sockets.length > 0)`);

      const recording = await inPage<Uploaded>(page, `page.record(2500)`);
      expect(recording).toMatchObject({ status: 201, codec: expect.stringMatching(/opus/i) });
      expect(await inPage<number>(page, `page.play('${recording.resource_id}')`)).toBeGreaterThan(1);
      expect(await inPage<number>(page, `page.seek('${recording.resource_id}', 0.5)`)).toBeLessThan(1.5);

      // Above the limit of bodies that nginx has by default, and more than a browser loads ahead.
      const silence = await inPage<Uploaded>(page, `page.silence(300)`);
      expect(silence.status).toBe(201);
      expect(await inPage<number>(page, `page.seek('${silence.resource_id}', 280)`)).toBeGreaterThan(280);
      const size = 44 + 300 * 96_000;
      const starts = ranges
        .map((range) => new RegExp(String.raw`^206 bytes (\d+)-${size - 1}/${size}$`).exec(range))
        .flatMap((match) => (match ? [Number(match[1])] : []));
      expect(Math.max(...starts)).toBeGreaterThan(size / 2);

      await proxy.pause();
      await inPage(page, `page.until(() => page.streamErrors > 0 && page.codes.includes(1006))`);
      await proxy.run();
      await inPage(page, `page.until(() => page.greetings.length > 1 && page.sockets.length > 1)`);

      const login = await inPage<number>(
        page,
        `fetch('/login', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ user: 'ada', password: 'a-password-for-tests' }),
        }).then(({ status }) => status)`,
      );
      expect(login).toBe(204);
      await inPage(page, `page.until(() => page.greetings.length > 2 && page.sockets.length > 2)`);
      expect(await inPage(page, `page.codes.at(-1)`)).toBe(4409);
      expect(await inPage(page, `fetch('/session').then((answer) => answer.json())`)).toMatchObject({
        session_id,
        user_id: 'ada',
      });

      expect(await inPage(page, `fetch('/session', { method: 'DELETE' }).then(({ status }) => status)`)).toBe(
        204,
      );
      await inPage(page, `page.until(() => page.ended !== null && page.codes.at(-1) === 4401)`);
      expect(await inPage(page, `[page.ended, ...new Set([...page.greetings, ...page.sockets])]`)).toEqual([
        'ended',
        session_id,
      ]);
      expect(
        await inPage(page, `fetch('/resources/${recording.resource_id}').then(({ status }) => status)`),
      ).toBe(404);
    } finally {
      await browser.close();
      await proxy.stop();
      await app.destroy();
    }
  }, 120_000);
});
