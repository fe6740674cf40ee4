import { AppProcess } from '../support/app-process.js';
import { Chromium } from '../support/chromium.js';
import { eventually } from '../support/eventually.js';
import { ADAPTERS } from '../support/http-app.js';
import { PageVisit, audio, silence, visiting } from './page-visit.js';
import type { AdminListAnswer } from './session-answer.js';

const MAX_BYTES = 8_000_000;
/** Of 4 MB: 4 s. */
const UPLINK_BYTES_PER_SECOND = 1_000_000;

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

  const visit = (work: (visit: PageVisit) => Promise<void>): Promise<void> =>
    visiting(chromium, app.url, work);

  async function sessionsBegun(): Promise<number> {
    return (await app.admin<AdminListAnswer>('')).stats['total_sessions_created'] ?? 0;
  }

  it('begins one session, and runs no script that somebody put into it', async () => {
    const before = await sessionsBegun();
    const visit = await PageVisit.to(chromium, app.url);
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
      visit(async (visit) => {
        const { page } = visit;
        await visit.tabTo(/^record$/);
        await page.keyboard.press('Enter');
        await page.getByText(/^0:(?:0[2-9]|[1-5]\d)$/).waitFor();
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
    visit(async (visit) => {
      await visit.choose(silence(75));
      await visit.button('Play silence.wav').click();
      await visit.holds('player.duration === 75');
      await visit.value('void (player.currentTime = 74)');
      await visit.holds('player.currentTime > 74.1');
      const starts = visit.ranges.map((range) => Number(/^206 bytes (\d+)-/.exec(range)?.[1]));
      expect(Math.max(...starts)).toBeGreaterThan(1_000_000);
    }));

  it(
    'shows the progress of an upload, which can be cancelled and repeated',
    () =>
      visit(async (visit) => {
        const devtools = await visit.page.context().newCDPSession(visit.page);
        await devtools.send('Network.emulateNetworkConditions', {
          offline: false,
          latency: 0,
          downloadThroughput: -1,
          uploadThroughput: UPLINK_BYTES_PER_SECOND,
        });
        await visit.choose(silence(40));
        await visit.holds('progress.value > 0 && progress.value < 1');
        await visit.page.getByText('Uploading silence.wav').waitFor();
        await visit.page
          .locator('#events')
          .getByText(/Upload progress: .+ of 3\.7 MB/)
          .waitFor();
        await visit.button('Cancel').click();
        await visit.says('silence.wav: The upload was cancelled.');
        expect(await visit.fileNames()).toEqual([]);
        await visit.button('Upload again').click();
        await visit.says('Uploaded silence.wav (3.7 MB).');
        await visit.button('Delete silence.wav').waitFor();
        expect(await visit.button('Upload again').isVisible()).toBe(false);
      }),
    60_000,
  );

  it('says at a limit what was deleted to make room, and what was refused and why', () =>
    visit(async (visit) => {
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
    visit(async (visit) => {
      const { page } = visit;
      await page.getByLabel('Text').fill('Guten Tag');
      await page.getByLabel('Language').selectOption({ label: 'German' });
      await page.getByRole('button', { name: 'Speak' }).click();
      await visit.holds('!player.paused && player.currentTime > 0');
      expect(await visit.fileNames()).toEqual(['speech-de.wav']);
      await page.locator('#events').getByText('Speech finished').waitFor();
    }));

  it('logs in and out, and begins a new session only when it is told to', () =>
    visit(async (visit) => {
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
    visit(async (visit) => {
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
    visit(async (visit) => {
      await visit.choose(audio('hello-en.wav'));
      await visit.button('Delete hello-en.wav').waitFor();
      await visit.page.context().clearCookies();
      // Unless the page has found out by then: it has asked for the session by itself.
      await visit.value(`document.querySelector('#files .delete')?.click()`);
      await visit.page.getByText(/The server has begun a new one\.$/).waitFor();
      await visit.button('Begin a new session').click();
      await visit.holds('!work.inert');
      expect(await visit.fileNames()).toEqual([]);
    }));
});
