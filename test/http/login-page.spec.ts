import { Chromium } from '../support/chromium.js';
import { ADAPTERS } from '../support/http-app.js';
import { SlowUplink } from '../support/slow-uplink.js';
import { startLoginApp } from './login-app.js';

interface Report {
  readonly login: number;
  readonly socketCode: number;
  /** Milliseconds from the login to the first message that came after the streams were cut off. */
  readonly streamBackMs: number;
  readonly socketBackMs: number;
  readonly uploads: { readonly status: number; readonly body: string }[];
  readonly sessionEnded: boolean;
  readonly who: { readonly id: string; readonly userId: string };
}

/** Of 6 MB: 30 s on this uplink. */
const UPLINK_BYTES_PER_SECOND = 200_000;

/** What any page does that has live connections: it connects again, and repeats what it was told to repeat. */
const PAGE = `<!doctype html><script type="module">
const report = { uploads: [], sessionEnded: false };
const until = async (check) => { while (!check()) await new Promise((go) => setTimeout(go, 20)); };
let streams = 0, ticks = 0, sockets = 0, notes = 0;
const events = new EventSource('/events');
events.onopen = () => (streams += 1);
events.onmessage = () => (ticks += 1);
events.addEventListener('session-ended', () => (report.sessionEnded = true));
const connect = () => {
  const socket = new WebSocket(location.origin.replace('http', 'ws') + '/live');
  let heard = false;
  socket.onmessage = () => { notes += 1; if (!heard) { heard = true; sockets += 1; } };
  socket.onclose = ({ code }) => { report.socketCode ??= code; setTimeout(connect, 200); };
};
connect();
const upload = async (bytes) => {
  const form = new FormData();
  form.append('file', new Blob([new Uint8Array(bytes)], { type: 'audio/wav' }), 'phrase.wav');
  const answer = await fetch('/upload', { method: 'POST', body: form });
  report.uploads.push({ status: answer.status, body: await answer.text() });
  return answer.status;
};
await until(() => ticks > 2 && notes > 2);
const uploading = upload(6000000);
await new Promise((go) => setTimeout(go, 1000));
report.login = (await fetch('/login', { method: 'POST' })).status;
const startedAt = performance.now();
await Promise.all([
  uploading.then((status) => status === 409 && upload(1000)),
  until(() => streams > 1).then(() => (report.streamBackMs = performance.now() - startedAt)),
  until(() => sockets > 1).then(() => (report.socketBackMs = performance.now() - startedAt)),
]);
report.who = await (await fetch('/hello')).json();
await fetch('/report', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(report) });
</script><p>SESSION</p>`;

describe.each(ADAPTERS)('A page in a browser that logs in, with %s,', (adapter) => {
  it('has its streams back within 5 s, is told to repeat its upload, and its job goes on', async () => {
    const app = await startLoginApp(adapter);
    app.controller.page = PAGE;
    const uplink = await SlowUplink.to(app.url, UPLINK_BYTES_PER_SECOND);
    const browser = await Chromium.open(`${uplink.url}/page`);
    try {
      const report = (await app.controller.report.promise) as Report;
      expect(report).toMatchObject({
        login: 200,
        socketCode: 4409,
        sessionEnded: false,
        who: { userId: 'ada' },
        uploads: [
          { status: 409, body: expect.stringContaining('SESSION_STALE') },
          { status: 201, body: expect.stringContaining('"size":1000') },
        ],
      });
      expect(report.streamBackMs).toBeLessThan(5000);
      expect(report.socketBackMs).toBeLessThan(5000);
      expect(await app.controller.job).toBe(5000);
      const details = await app.service.describe({ id: report.who.id });
      const files = details?.resources.filter(({ type }) => type !== 'stream') ?? [];
      expect(files.map(({ sizeBytes }) => sizeBytes).toSorted((a, b) => a - b)).toEqual([1000, 5000]);
    } finally {
      await browser.close();
      await uplink.close();
      await app.close();
    }
  }, 60_000);
});
