import { ADAPTERS } from '../support/http-app.js';
import { AppProcess } from '../support/app-process.js';
import { Browser } from '../support/browser.js';
import type { SessionAnswer } from './session-answer.js';

function say(browser: Browser, body: unknown): Promise<Response> {
  return browser.fetch('/speech', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

describe.each(ADAPTERS)('speech, on %s', (adapter) => {
  let app: AppProcess;

  beforeAll(async () => {
    app = await AppProcess.start(adapter, {
      SESSION_OPEN_RATE: '0',
      SESSION_MAX_UNCONFIRMED_PER_NETWORK: '0',
    });
  });
  afterAll(() => app.destroy());

  it('is a recording that the session owns, lists and downloads', async () => {
    const browser = new Browser(app.url);
    const response = await say(browser, { text: 'Guten Tag! Wie geht es Ihnen?', language: 'de' });
    expect(response.status).toBe(201);
    const spoken = (await response.json()) as { resource_id: string; size_bytes: number };
    expect(spoken).toEqual({
      resource_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      file_name: 'speech-de.wav',
      media_type: 'audio/wav',
      size_bytes: expect.any(Number),
      language: 'de',
    });
    const sound = Buffer.from(await (await browser.fetch(`/resources/${spoken.resource_id}`)).arrayBuffer());
    expect(sound.length).toBe(spoken.size_bytes);
    expect(sound.toString('latin1', 0, 4)).toBe('RIFF');

    const shown = await browser.fetch(`/audio/${spoken.resource_id}/waveform`);
    const waveform = (await shown.json()) as { duration_seconds: number; peaks: number[] };
    expect(waveform.duration_seconds).toBeCloseTo((sound.length - 44) / 2 / 22_050, 2);
    expect(Math.max(...waveform.peaks)).toBeGreaterThan(0.1);
    const session = (await (await browser.fetch('/session')).json()) as SessionAnswer;
    expect(session.resources).toMatchObject([{ type: 'audio_file', purpose: 'speech' }]);
  });

  it('treats options, markup and commands as text', async () => {
    const browser = new Browser(app.url);
    const texts = ['--help', '-w /tmp/x.wav', '<speak>hi</speak>', '$(reboot)', '; ls', '日本語', '👋🏽'];
    const answers = await Promise.all(texts.map((text) => say(browser, { text })));
    expect(answers.map(({ status }) => status)).toEqual(texts.map(() => 201));
  });

  it.each([
    ['no text', {}],
    ['an empty text', { text: '' }],
    ['a text of blanks', { text: ' \n ' }],
    ['a text of 2001 characters', { text: 'x'.repeat(2001) }],
    ['a number for text', { text: 42 }],
    ['a list for text', { text: ['hello'] }],
    ['a NUL in the text', { text: 'a\0b' }],
    ['half a character in the text', { text: 'a\ud800b' }],
    ['an unknown language', { text: 'hello', language: 'xx' }],
    ['a path for a language', { text: 'hello', language: '../../etc/passwd' }],
    ['an option for a language', { text: 'hello', language: '--path=/tmp' }],
    ['an unknown key', { text: 'hello', voice: 'f1' }],
  ])('refuses %s with 400, and keeps nothing', async (_what, body) => {
    const browser = new Browser(app.url);
    await browser.fetch('/session');
    expect((await say(browser, body)).status).toBe(400);
    const session = (await (await browser.fetch('/session')).json()) as SessionAnswer;
    expect(session.resource_count).toBe(0);
  });
});

describe.each(ADAPTERS)('speech without espeak-ng, on %s', (adapter) => {
  it('answers 503 that names the program to install, and keeps nothing', async () => {
    const app = await AppProcess.start(adapter, { PATH: '/nonexistent' });
    try {
      const browser = new Browser(app.url);
      const response = await say(browser, { text: 'hello' });
      expect(response.status).toBe(503);
      expect(await response.text()).toMatch(/install espeak-ng/);
      const session = (await (await browser.fetch('/session')).json()) as SessionAnswer;
      expect(session).toMatchObject({ resource_count: 0, total_bytes_used: 0 });
    } finally {
      await app.destroy();
    }
  });
});
