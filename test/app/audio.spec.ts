import { ADAPTERS } from '../support/http-app.js';
import { AppProcess } from '../support/app-process.js';
import { Browser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { filesOnDisk } from '../support/files-on-disk.js';
import { RECORDINGS, bytesOf, formOf } from '../support/recordings.js';
import type { SessionAnswer, UploadAnswer } from './session-answer.js';

describe.each(ADAPTERS)('recordings, on %s', (adapter) => {
  let app: AppProcess;

  beforeAll(async () => {
    app = await AppProcess.start(adapter, {
      SESSION_OPEN_RATE: '0',
      SESSION_MAX_UNCONFIRMED_PER_NETWORK: '0',
    });
  });
  afterAll(() => app.destroy());

  async function upload(browser: Browser, name: string, mediaType = 'audio/wav'): Promise<UploadAnswer> {
    const body = formOf(await bytesOf(name), name, mediaType);
    const response = await browser.fetch('/audio', { method: 'POST', body });
    expect(response.status).toBe(201);
    return (await response.json()) as UploadAnswer;
  }

  async function sessionOf(browser: Browser): Promise<SessionAnswer> {
    return (await (await browser.fetch('/session')).json()) as SessionAnswer;
  }

  it.each(RECORDINGS)(
    'reports the format of $name',
    async ({ name, mediaType, codec, sampleRate, seconds }) => {
      const { duration_seconds, ...answer } = await upload(new Browser(app.url), name, mediaType);
      expect(duration_seconds && Math.round(duration_seconds * 100)).toBe(
        seconds && Math.round(seconds * 100),
      );
      expect(answer).toEqual({
        resource_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        file_name: name,
        media_type: mediaType,
        size_bytes: (await bytesOf(name)).length,
        codec,
        sample_rate: sampleRate,
      });
    },
  );

  it('judges a file by its bytes, not its name or media type', async () => {
    const browser = new Browser(app.url);
    const body = formOf(await bytesOf('hola-es.mp3'), 'notes.txt', 'application/octet-stream');
    const response = await browser.fetch('/audio', { method: 'POST', body });
    expect(response.status).toBe(201);
    expect(await response.json()).toMatchObject({ file_name: 'notes.txt', codec: 'MPEG 2 Layer 3' });
  });

  it.each(RECORDINGS)('takes $name cut off anywhere, or refuses it with 415', async ({ name, mediaType }) => {
    const browser = new Browser(app.url);
    const whole = await bytesOf(name);
    // Phones write the index of an MP4 at its end: without it nobody plays the file.
    const isTaken = !/\.(?:m4a|mov|3gp)$/.test(name);
    for (const share of [0.03, 0.31, 0.62, 0.97]) {
      const body = formOf(whole.subarray(0, Math.floor(whole.length * share)), name, mediaType);
      const response = await browser.fetch('/audio', { method: 'POST', body });
      expect(share > 0.3 && isTaken ? [201] : [201, 415]).toContain(response.status);
      const { duration_seconds } = (await response.json()) as UploadAnswer;
      expect(duration_seconds ?? 1).toBeGreaterThan(0);
    }
  });

  it.each([1, 4096, 100_000])('takes an MP3 after %i zeros', async (zeros) => {
    const bytes = Buffer.concat([Buffer.alloc(zeros), await bytesOf('hola-es.mp3')]);
    const body = formOf(bytes, 'hola-es.mp3', 'audio/mpeg');
    const response = await new Browser(app.url).fetch('/audio', { method: 'POST', body });
    expect(response.status).toBe(201);
    expect(await response.json()).toMatchObject({ codec: 'MPEG 2 Layer 3', duration_seconds: 5.12 });
  });

  it.each([
    [0, 0],
    [36, 0],
    [0xffff_ffff, 0xffff_ffff],
  ])('reads the length of a WAV whose header says %i and %i from its bytes', async (riff, data) => {
    const bytes = Buffer.from(await bytesOf('wav-size0-data-follows.wav'));
    bytes.writeUInt32LE(riff, 4);
    bytes.writeUInt32LE(data, 40);
    const browser = new Browser(app.url);
    const body = formOf(bytes, 'a.wav', 'audio/wav');
    const response = await browser.fetch('/audio', { method: 'POST', body });
    const { resource_id, duration_seconds } = (await response.json()) as UploadAnswer;
    expect([response.status, duration_seconds]).toEqual([201, 1]);
    const waveform = await browser.fetch(`/audio/${resource_id}/waveform`);
    expect(await waveform.json()).toMatchObject({ sample_rate: 16_000, duration_seconds: 1 });
  });

  it.each([
    ['AMR', '#!AMR\n'],
    ['AU', '.snd\0\0\0\x18'],
    ['W64', 'riff\x2E\x91\xCF\x11\xA5\xD6'],
    ['RF64', 'RF64\xFF\xFF\xFF\xFFWAVEds64'],
    ['AC-3', '\x0B\x77\x12\x34'],
  ])('says that no browser plays %s', async (format, start) => {
    const bytes = Buffer.concat([Buffer.from(start, 'latin1'), Buffer.alloc(2000, 7)]);
    const body = formOf(bytes, 'a.wav', 'audio/wav');
    const response = await new Browser(app.url).fetch('/audio', { method: 'POST', body });
    expect(response.status).toBe(415);
    expect(((await response.json()) as { message: string }).message).toMatch(
      new RegExp(`^${format} audio is not supported`),
    );
  });

  it.each([
    ['a text', Buffer.from('hello '.repeat(1000))],
    ['a page', Buffer.from('<html><script>alert(1)</script></html>')],
    ['a picture', Buffer.concat([Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), Buffer.alloc(400)])],
    ['a WAV of nothing', Buffer.concat([Buffer.from('RIFF\0\0\0\0WAVEjunk', 'latin1'), Buffer.alloc(100)])],
    ['zeros', Buffer.alloc(6000)],
    ['an empty file', Buffer.alloc(0)],
  ])('refuses %s with 415 (400 for an empty file), and keeps nothing', async (_what, bytes) => {
    const browser = new Browser(app.url);
    await browser.fetch('/session');
    const body = formOf(bytes, 'hello.wav', 'audio/wav');
    const response = await browser.fetch('/audio', { method: 'POST', body });
    expect([bytes.length === 0 ? 400 : 415, 415]).toContain(response.status);
    const session = await sessionOf(browser);
    expect(session).toMatchObject({ resource_count: 0, total_bytes_used: 0, resources: [] });
  });

  it('answers the peaks of a WAV, and leaves no temp file', async () => {
    const browser = new Browser(app.url);
    const { resource_id } = await upload(browser, 'hello-en.wav');
    const response = await browser.fetch(`/audio/${resource_id}/waveform`);
    expect(response.status).toBe(200);
    const waveform = (await response.json()) as {
      sample_rate: number;
      duration_seconds: number;
      peaks: number[];
    };
    expect(waveform.sample_rate).toBe(22_050);
    expect(waveform.duration_seconds).toBeCloseTo(4.558, 2);
    expect(waveform.peaks).toHaveLength(200);
    expect(waveform.peaks.every((peak) => peak >= 0 && peak <= 1)).toBe(true);
    expect(Math.max(...waveform.peaks)).toBeCloseTo(await loudest('hello-en.wav'), 3);
    const session = await sessionOf(browser);
    expect(session.resources.map(({ type }) => type)).toEqual(['audio_file']);
    expect(session.total_bytes_used).toBe((await bytesOf('hello-en.wav')).length);
  });

  it('answers 415 to a waveform of another format, and leaves no temp file', async () => {
    const browser = new Browser(app.url);
    const { resource_id } = await upload(browser, 'hola-es.mp3', 'audio/mpeg');
    const response = await browser.fetch(`/audio/${resource_id}/waveform`);
    expect(response.status).toBe(415);
    expect((await sessionOf(browser)).resource_count).toBe(1);
  });

  it('returns the bytes, whole and in ranges', async () => {
    const browser = new Browser(app.url);
    const bytes = await bytesOf('guten-tag-de.ogg');
    const { resource_id } = await upload(browser, 'guten-tag-de.ogg', 'audio/ogg');
    const whole = await browser.fetch(`/resources/${resource_id}`);
    expect(whole.status).toBe(200);
    expect(whole.headers.get('content-type')).toMatch(/^audio\/ogg/);
    expect(whole.headers.get('accept-ranges')).toBe('bytes');
    expect(Buffer.from(await whole.arrayBuffer()).equals(bytes)).toBe(true);

    const part = await browser.fetch(`/resources/${resource_id}`, { headers: { range: 'bytes=100-199' } });
    expect(part.status).toBe(206);
    expect(part.headers.get('content-range')).toBe(`bytes 100-199/${bytes.length}`);
    expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(100, 200))).toBe(true);

    const tail = await browser.fetch(`/resources/${resource_id}`, { headers: { range: 'bytes=-5' } });
    expect(tail.status).toBe(206);
    expect(Buffer.from(await tail.arrayBuffer()).equals(bytes.subarray(-5))).toBe(true);

    const beyond = await browser.fetch(`/resources/${resource_id}`, {
      headers: { range: `bytes=${bytes.length}-` },
    });
    expect(beyond.status).toBe(416);
  });

  it('hides a resource from other sessions: no bytes, no waveform, no deletion', async () => {
    const owner = new Browser(app.url);
    const stranger = new Browser(app.url);
    const { resource_id } = await upload(owner, 'hello-en.wav');
    await upload(stranger, 'hello-en.webm', 'audio/webm');
    const answers = await Promise.all([
      stranger.fetch(`/resources/${resource_id}`),
      stranger.fetch(`/audio/${resource_id}/waveform`),
      stranger.fetch(`/resources/${resource_id}`, { method: 'DELETE' }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404]);
    expect((await owner.fetch(`/resources/${resource_id}`)).status).toBe(200);
  });

  it('releases a resource on request', async () => {
    const browser = new Browser(app.url);
    const { resource_id } = await upload(browser, 'hello-en.wav');
    const before = await filesOnDisk(app.storagePath);
    expect((await browser.fetch(`/resources/${resource_id}`, { method: 'DELETE' })).status).toBe(204);
    expect(await filesOnDisk(app.storagePath)).toHaveLength(before.length - 1);
    expect((await browser.fetch(`/resources/${resource_id}`)).status).toBe(404);
    expect((await browser.fetch(`/resources/${resource_id}`, { method: 'DELETE' })).status).toBe(404);
    expect(await sessionOf(browser)).toMatchObject({ resource_count: 0, total_bytes_used: 0 });
  });

  it('lists the resources of a session, and ends it on request', async () => {
    const browser = new Browser(app.url);
    const uploaded = await upload(browser, 'hello-en.m4a', 'audio/mp4');
    const session = await sessionOf(browser);
    expect(session).toEqual({
      session_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      user_id: null,
      can_log_in: false,
      created_at: expect.any(String),
      expires_at: expect.any(String),
      idle_expires_at: expect.any(String),
      request_count: 2,
      resource_count: 1,
      total_bytes_used: uploaded.size_bytes,
      limits: { max_resources_per_session: 100, max_bytes_per_session: 104_857_600 },
      resources: [
        {
          resource_id: uploaded.resource_id,
          type: 'audio_file',
          purpose: 'transcription',
          file_name: 'hello-en.m4a',
          media_type: 'audio/mp4',
          size_bytes: uploaded.size_bytes,
          created_at: expect.any(String),
          last_used_at: expect.any(String),
        },
      ],
    });
    expect(Date.parse(session.expires_at) - Date.parse(session.created_at)).toBe(3_600_000);
    expect((await browser.fetch('/session', { method: 'DELETE' })).status).toBe(204);
    expect((await sessionOf(browser)).session_id).not.toBe(session.session_id);
    await eventually('the files of the ended session are gone', async () => {
      const files = await filesOnDisk(app.storagePath);
      return files.every((file) => !file.includes(uploaded.resource_id.replaceAll('-', '')));
    });
  });
});

/** The loudest sample of a 16-bit WAV, read without the app's decoder. */
async function loudest(name: string): Promise<number> {
  const bytes = await bytesOf(name);
  const start = bytes.indexOf('data', 12, 'latin1') + 8;
  let peak = 0;
  for (let at = start; at + 2 <= bytes.length; at += 2)
    peak = Math.max(peak, Math.abs(bytes.readInt16LE(at)));
  return peak / 32_768;
}
