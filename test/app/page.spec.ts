import { join, resolve } from 'node:path';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { AppProcess } from '../support/app-process.js';
import { Chromium } from '../support/chromium.js';
import { eventually } from '../support/eventually.js';
import { ADAPTERS } from '../support/http-app.js';
import { SlowUplink } from '../support/slow-uplink.js';
import type { AdminListAnswer } from './session-answer.js';

const AUDIO = resolve(import.meta.dirname, '../fixtures/audio');
const MAX_BYTES = 8_000_000;
/** Less than a second of it is on its way before the browser is told to stop. */
const UPLINK_BYTES_PER_SECOND = 1_000_000;
/** Of main texts: WCAG AA. */
const MIN_CONTRAST = 4.5;

const audio = (name: string): string => join(AUDIO, name);

/** A PCM WAV of silence: 96,000 bytes a second. */
function silence(seconds: number): { name: string; mimeType: string; buffer: Buffer } {
  const head = Buffer.from('RIFF....WAVEfmt ....................data....', 'latin1');
  const bytes = seconds * 96_000;
  head.writeUInt32LE(36 + bytes, 4);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(48_000, 24);
  head.writeUInt32LE(96_000, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.writeUInt32LE(bytes, 40);
  return { name: 'silence.wav', mimeType: 'audio/wav', buffer: Buffer.concat([head, Buffer.alloc(bytes)]) };
}

/** The page in a browser of its own, and what went wrong in it. */
class Visit {
  /** Errors of scripts, and violations of the policy. */
  readonly faults: string[] = [];
  /** Status and `Content-Range` of each answer that has one. */
  readonly ranges: string[] = [];

  private constructor(readonly page: Page) {
    page.on('pageerror', ({ message }) => this.faults.push(message));
    page.on('console', (message) => {
      if (/content security policy/i.test(message.text())) this.faults.push(message.text());
    });
    page.on('response', (response) => {
      const range = response.headers()['content-range'];
      if (range) this.ranges.push(`${response.status()} ${range}`);
    });
  }

  static async to(chromium: Chromium, url: string, options?: BrowserContextOptions): Promise<Visit> {
    const visit = new Visit(await chromium.newPage(options));
    await visit.page.goto(url);
    await visit.isLive();
    return visit;
  }

  async isLive(): Promise<void> {
    await this.page.getByText('live', { exact: true }).waitFor();
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }

  button(name: string | RegExp) {
    return this.page.getByRole('button', { name, exact: true });
  }

  /** The latest message. */
  async says(text: string | RegExp): Promise<void> {
    await this.page.locator('#notices').getByText(text).first().waitFor();
  }

  async choose(...files: Parameters<Page['setInputFiles']>[1][]): Promise<void> {
    for (const file of files) await this.page.setInputFiles('#chosen', file);
  }

  async fileNames(): Promise<string[]> {
    return this.page.locator('#files .name').allTextContents();
  }

  text(id: string): Promise<string | null> {
    return this.page.locator(`#${id}`).textContent();
  }

  /** The value of an expression in the page. */
  value<Value>(expression: string): Promise<Value> {
    return this.page.evaluate<Value>(expression);
  }

  async holds(expression: string): Promise<void> {
    await eventually(`${expression} holds`, () => this.value<boolean>(expression));
  }

  /** Presses Tab until an element of this text or label has the focus. */
  async tabTo(name: RegExp): Promise<void> {
    for (let presses = 0; presses < 60; presses += 1) {
      await this.page.keyboard.press('Tab');
      if (name.test(await this.value<string>(FOCUSED))) return;
    }
    throw new Error(`Tab does not reach ${name}.`);
  }
}

/** How the tests name an element. */
const NAMED = `(element) => element.getAttribute('aria-label') ?? (element.id || element.textContent.trim())`;
const FOCUSED = `(${NAMED})(document.activeElement)`;
const SHOWN_CONTROLS = `[...document.querySelectorAll('button, a[href], input, select, textarea, audio, [tabindex="0"]')]
  .filter((element) => element.checkVisibility()).map(${NAMED})`;
/** Contrast of each text that is shown with what is behind it. */
const CONTRASTS = `(() => {
  const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (color) => {
    const [red, green, blue] = numbers(color).map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const color = getComputedStyle(one).backgroundColor;
      if ((numbers(color)[3] ?? 1) === 1) return color;
    }
    return 'rgb(255, 255, 255)';
  };
  const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  return [...document.body.querySelectorAll('*')]
    .filter((element) => element.checkVisibility() && hasText(element) && element.tagName !== 'OPTION')
    .map((element) => {
      const [one, other] = [getComputedStyle(element).color, behind(element)].map(light);
      const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
      return { text: element.textContent.trim().slice(0, 40), ratio };
    });
})()`;

describe.each(ADAPTERS)('The page, on %s,', (adapter) => {
  let app: AppProcess;
  let chromium: Chromium;

  beforeAll(async () => {
    app = await AppProcess.start(adapter, {
      DEMO_USERS: 'ada:a-password-for-tests',
      MAX_RESOURCES_PER_SESSION: '3',
      MAX_BYTES_PER_SESSION: String(MAX_BYTES),
    });
    chromium = await Chromium.open('about:blank');
  }, 60_000);
  afterAll(async () => {
    await chromium.close();
    await app.destroy();
  });

  /** What the test does must break no rule of the policy, and no script. */
  async function visiting(
    work: (visit: Visit) => Promise<void>,
    url = app.url,
    options?: BrowserContextOptions,
  ): Promise<void> {
    const visit = await Visit.to(chromium, url, options);
    try {
      await work(visit);
      expect(visit.faults).toEqual([]);
    } finally {
      await visit.close();
    }
  }

  async function sessionsBegun(): Promise<number> {
    return (await app.admin<AdminListAnswer>('')).stats['total_sessions_created'] ?? 0;
  }

  it('begins one session, and runs no script that somebody put into it', async () => {
    const before = await sessionsBegun();
    const visit = await Visit.to(chromium, app.url);
    expect(await sessionsBegun()).toBe(before + 1);
    await visit.value(
      `document.body.append(Object.assign(document.createElement('script'), { text: 'window.ran = 1' }))`,
    );
    expect(await visit.value('window.ran ?? null')).toBeNull();
    await eventually('the policy was violated', async () => visit.faults.length === 1);
    await visit.close();
  });

  it(
    'records, uploads, plays, seeks and deletes, all by the keyboard',
    () =>
      visiting(async (visit) => {
        const { page } = visit;
        await visit.tabTo(/^record$/);
        await page.keyboard.press('Enter');
        await page.getByText('0:02', { exact: true }).waitFor();
        expect(await visit.text('record')).toBe('Stop and upload');
        await page.keyboard.press('Space');
        await visit.says(/^Uploaded recording-\d\d-\d\d-\d\d\.webm \(/);
        await visit.button(/^Play recording-/).waitFor();
        expect(await visit.text('filesText')).toBe('1 of 3 files');

        await visit.tabTo(/^Play recording-/);
        await page.keyboard.press('Enter');
        // A live recording has no length of its own.
        await visit.holds(
          'player.duration > 1 && player.duration < 10 && !player.paused && player.currentTime > 0',
        );
        await visit.holds('player.ended');
        await visit.value('void (player.currentTime = 1)');
        await visit.holds('!player.seeking && Math.abs(player.currentTime - 1) < 0.1');
        expect(visit.ranges[0]).toMatch(/^206 bytes 0-\d+\/\d+$/);

        await visit.tabTo(/^Delete recording-/);
        await page.keyboard.press('Enter');
        await page.getByText('No files yet.').waitFor();
        expect(await visit.value('[player.checkVisibility(), document.activeElement.id]')).toEqual([
          false,
          'filesTitle',
        ]);
      }),
    60_000,
  );

  it('seeks in a file that it has not loaded, by a range', () =>
    visiting(async (visit) => {
      await visit.choose(silence(75));
      await visit.button('Play silence.wav').click();
      await visit.holds('player.duration === 75');
      await visit.value('void (player.currentTime = 74)');
      await visit.holds('player.currentTime > 74.1');
      const starts = visit.ranges.map((range) => Number(/^206 bytes (\d+)-/.exec(range)?.[1]));
      expect(Math.max(...starts)).toBeGreaterThan(1_000_000);
    }));

  it('shows the progress of an upload, which can be cancelled and repeated', async () => {
    const uplink = await SlowUplink.to(app.url, UPLINK_BYTES_PER_SECOND);
    try {
      await visiting(async (visit) => {
        await visit.choose(silence(40));
        await visit.holds('progress.value > 0 && progress.value < 1');
        await visit.page.getByText('Uploading silence.wav').waitFor();
        await visit.page
          .locator('#events')
          .getByText(/Upload progress: .+ MB of 3\.7 MB/)
          .waitFor();
        await visit.button('Cancel').click();
        await visit.says('silence.wav: The upload was cancelled.');
        expect(await visit.fileNames()).toEqual([]);
        await visit.button('Upload again').click();
        await visit.says('Uploaded silence.wav (3.7 MB).');
        await visit.button('Delete silence.wav').waitFor();
        expect(await visit.button('Upload again').isVisible()).toBe(false);
      }, uplink.url);
    } finally {
      await uplink.close();
    }
  }, 60_000);

  it('says at a limit what was deleted to make room, and what was refused and why', () =>
    visiting(async (visit) => {
      await visit.choose([audio('hello-en.wav'), audio('hello-en.webm'), audio('hola-es.mp3')]);
      await visit.page.getByText('3 of 3 files').waitFor();
      await visit.choose(audio('guten-tag-de.ogg'));
      await visit.says('The session is full: hello-en.wav was deleted to make room.');
      const left = ['guten-tag-de.ogg', 'hola-es.mp3', 'hello-en.webm'];
      await eventually('the list shows it', async () => (await visit.fileNames()).join() === left.join());

      await visit.choose({ ...silence(100), name: 'large.wav' });
      await visit.says(/^large\.wav: .*8000000 bytes/);
      await visit.choose({ name: 'note.wav', mimeType: 'audio/wav', buffer: Buffer.from('no audio') });
      await visit.says('note.wav: The server cannot read this file as audio.');
      expect(await visit.fileNames()).toEqual(left);
      expect(await visit.button('Upload again').isVisible()).toBe(false);
    }));

  it('speaks, and plays what it spoke', () =>
    visiting(async (visit) => {
      const { page } = visit;
      await page.getByLabel('Text').fill('Guten Tag');
      await page.getByLabel('Language').selectOption({ label: 'German' });
      await page.getByRole('button', { name: 'Speak' }).click();
      await visit.holds('!player.paused && player.currentTime > 0');
      expect(await visit.fileNames()).toEqual(['speech-de.wav']);
      await page.locator('#events').getByText('Speech finished').waitFor();
    }));

  it('logs in and out, and begins a new session only when it is told to', () =>
    visiting(async (visit) => {
      const { page } = visit;
      const id = await visit.text('sessionId');
      await page.getByLabel('User', { exact: true }).fill('ada');
      await page.getByLabel('Password').fill('wrong');
      await visit.button('Log in').click();
      await visit.says('Wrong user or password.');
      await page.getByLabel('Password').fill('a-password-for-tests');
      await page.keyboard.press('Enter');
      await visit.says('Logged in as ada.');
      expect([await visit.text('user'), await visit.text('sessionId')]).toEqual(['ada', id]);
      expect(await page.getByLabel('Password').isVisible()).toBe(false);
      await visit.button('Log out other devices').click();
      await visit.says('Ended 0 other sessions.');
      // The login has cut the stream off.
      await page.locator('#events').getByText('Connected').nth(1).waitFor();

      const begun = await sessionsBegun();
      await visit.button('Log out').click();
      await page.getByText('You ended it, here or elsewhere. Its files are deleted.').waitFor();
      expect(await visit.value('[work.inert, document.activeElement.id, link.textContent]')).toEqual([
        true,
        'again',
        'ended',
      ]);
      expect(await sessionsBegun()).toBe(begun);
      await page.keyboard.press('Enter');
      await visit.isLive();
      await visit.holds(`!work.inert && document.activeElement.id === 'record'`);
      expect(await visit.text('user')).toBe('nobody');
      expect(await visit.text('sessionId')).not.toBe(id);
      expect(await sessionsBegun()).toBe(begun + 1);
    }));

  it('shows at once that an operator ended the session, and deletes nothing of the next one', () =>
    visiting(async (visit) => {
      await visit.choose(audio('hello-en.wav'));
      await visit.button('Play hello-en.wav').click();
      await visit.holds('player.currentTime > 0');
      await app.admin(`/${await visit.text('sessionId')}/cleanup`, { method: 'POST' });
      await visit.page.getByText('An operator of this server ended it. Its files are deleted.').waitFor();
      expect(await visit.fileNames()).toEqual([]);
      await visit.button('Begin a new session').click();
      await visit.isLive();
      await visit.choose(audio('hola-es.mp3'));
      await visit.button('Play hola-es.mp3').waitFor();
    }));

  it('says so if the server answers it with another session', () =>
    visiting(async (visit) => {
      await visit.page.context().clearCookies();
      await visit.choose(audio('hello-en.wav'));
      await visit.page.getByText(/The server has begun a new one\.$/).waitFor();
      await visit.button('Begin a new session').click();
      await visit.button('Play hello-en.wav').waitFor();
    }));

  it('fits into 360 pixels, lets Tab reach every control in order, and shows where it is', () =>
    visiting(
      async (visit) => {
        const longName = { name: `${'a-long-name-'.repeat(15)}.mp3`, mimeType: 'audio/mpeg' };
        await visit.choose(audio('hello-en.wav'), { ...longName, buffer: silence(1).buffer });
        await visit.button(`Play ${longName.name}`).waitFor();
        await visit.button('Play hello-en.wav').click();
        await visit.holds('player.checkVisibility()');
        expect(await visit.value('document.documentElement.scrollWidth')).toBe(360);

        const controls = await visit.value<string[]>(SHOWN_CONTROLS);
        expect(controls.length).toBeGreaterThan(15);
        await visit.value('document.activeElement.blur()');
        await visit.tabTo(new RegExp(`^${controls[0]}$`));
        const reached: string[] = [];
        for (let presses = 0; presses < 80 && reached.length < controls.length; presses += 1) {
          const name = await visit.value<string>(FOCUSED);
          // The player has controls of its own.
          if (reached.at(-1) !== name) reached.push(name);
          const outline = `document.activeElement.tagName === 'AUDIO' || getComputedStyle(document.activeElement).outline`;
          expect([name, await visit.value(outline)]).toEqual([name, expect.not.stringMatching(/none|\b0px/)]);
          await visit.page.keyboard.press('Tab');
        }
        expect(reached).toEqual(controls);
      },
      app.url,
      { viewport: { width: 360, height: 740 } },
    ));

  it.each(['light', 'dark'] as const)('has texts of enough contrast in %s mode', (colorScheme) =>
    visiting(
      async (visit) => {
        await visit.choose(audio('hello-en.wav'), {
          name: 'a.txt',
          mimeType: 'text/plain',
          buffer: Buffer.from('a'),
        });
        await visit.says(/^a\.txt: /);
        await visit.button('Play hello-en.wav').click();
        await visit.value(`record.classList.add('recording')`);
        await visit.value('void (ended.hidden = false)');
        const contrasts = await visit.value<{ text: string; ratio: number }[]>(CONTRASTS);
        expect(contrasts.length).toBeGreaterThan(30);
        expect(contrasts.filter(({ ratio }) => ratio < MIN_CONTRAST)).toEqual([]);
        const [red = 0] = (await visit.value<string>('getComputedStyle(document.body).backgroundColor'))
          .match(/\d+/g)!
          .map(Number);
        expect(red < 128).toBe(colorScheme === 'dark');
      },
      app.url,
      { colorScheme },
    ),
  );
});
