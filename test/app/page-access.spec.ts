import { AppProcess } from '../support/app-process.js';
import { Chromium } from '../support/chromium.js';
import { ADAPTERS } from '../support/http-app.js';
import { FOCUSED, NAMED, audio, silence, visiting } from './page-visit.js';

/** Of main texts: WCAG AA. */
const MIN_CONTRAST = 4.5;

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

describe.each(ADAPTERS)('The page for everybody, on %s,', (adapter) => {
  let app: AppProcess;
  let chromium: Chromium;

  beforeAll(async () => {
    app = await AppProcess.start(adapter, { DEMO_USERS: 'ada:a-password-for-tests' });
    chromium = await Chromium.open('about:blank');
  }, 60_000);
  afterAll(async () => {
    await chromium.close();
    await app.destroy();
  });

  it('fits into 360 pixels, lets Tab reach every control in order, and shows where it is', () =>
    visiting(
      chromium,
      app.url,
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
      { viewport: { width: 360, height: 740 } },
    ));

  it.each(['light', 'dark'] as const)('has texts of enough contrast in %s mode', (colorScheme) =>
    visiting(
      chromium,
      app.url,
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
      { colorScheme },
    ),
  );
});
