import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Chromium } from '../../support/chromium.js';
import { eventually } from '../../support/eventually.js';
import { ADAPTERS } from '../../support/http-app.js';
import { TOKEN } from '../admin-client.js';
import { OperatorApp } from './operator-app.js';
import { operating, type OperatorPage } from './operator-page.js';

const AXE = readFileSync(resolve(import.meta.dirname, '../../../node_modules/axe-core/axe.min.js'), 'utf8');
const MARKUP = '<img src=x onerror="alert(1)"><script>alert(2)</script>';
/** Turns what follows it around. */
const OVERRIDE = '\u202E';
const WIDTH_AND_HIDDEN = `[
  document.documentElement.scrollWidth,
  [...document.querySelectorAll('table')]
    .filter((table) => table.checkVisibility())
    .flatMap((table) => [...table.querySelectorAll('th, td')])
    .filter((cell) => !cell.checkVisibility()).length,
]`;
const NARROW = { width: 360, height: 740 };

interface Finding {
  readonly id: string;
  readonly impact: string;
  readonly nodes: { readonly html: string }[];
}

describe.each(ADAPTERS)('The admin page, on %s,', (adapter) => {
  let app: OperatorApp;
  let chromium: Chromium;
  let id: string;

  beforeAll(async () => {
    app = await OperatorApp.start(adapter);
    const opened = await app.open(`${OVERRIDE}${MARKUP}`, `agent ${MARKUP}`);
    ({ id } = opened);
    const name = encodeURIComponent(`${MARKUP}${OVERRIDE}gpj.exe`);
    await opened.browser.fetch(`/named?name=${name}`, { method: 'POST' });
    await opened.browser.fetch(`/named?q=${encodeURIComponent(MARKUP)}`);
    await opened.browser.fetch('/streams', { method: 'POST' });
    await app.open();
    await app.open('anna');
    chromium = await Chromium.open('about:blank');
  }, 60_000);
  afterAll(async () => {
    await chromium.close();
    await app.close();
  });

  const visit = (
    work: (operator: OperatorPage) => Promise<void>,
    options: Parameters<typeof operating>[3] = {},
  ): Promise<void> =>
    operating(
      chromium,
      app.url,
      async (operator) => {
        await operator.signIn();
        await operator.row(id).waitFor();
        await work(operator);
      },
      options,
    );

  const views = (): string[] => ['sessions', `sessions/${id}`, 'users', 'trends', 'health', 'audit'];

  async function shown(operator: OperatorPage, view: string): Promise<void> {
    await operator.show(view);
    await operator.page.locator('main :is(table, .chart, .empty)').first().waitFor();
    await operator.page.locator('main .loading').waitFor({ state: 'detached' });
  }

  it('shows what visitors wrote as text, and what is invisible in it', () =>
    visit(async (operator) => {
      const { page } = operator;
      const texts: string[] = [];
      for (const view of views()) {
        await shown(operator, view);
        texts.push(...(await page.locator('bdi').allTextContents()));
        expect(await page.locator('main img, main script').count()).toBe(0);
      }
      const visible = `U+202E${MARKUP}`;
      expect(texts.filter((text) => text === visible).length).toBeGreaterThanOrEqual(3);
      // The library takes such characters out of the names of files.
      expect(texts).toContain(`${MARKUP} gpj.exe`);
      expect(texts).toContain(`agent ${MARKUP}`);
      expect(texts.some((text) => text.includes(`/named?q=${encodeURIComponent(MARKUP)}`))).toBe(true);
      expect(await operator.value('document.body.textContent.includes("\u202E")')).toBe(false);
    }));

  it('leads by keyboard alone from the form to the end of a session', () =>
    operating(chromium, app.url, async (operator) => {
      const { page } = operator;
      const { keyboard } = page;
      const opened = await app.open('keys');
      await page.getByLabel('Admin token').waitFor();
      await keyboard.type(TOKEN);
      await keyboard.press('Enter');
      await operator.row(id).waitFor();
      await keyboard.press('/');
      await keyboard.type('user:keys');
      await keyboard.press('Enter');
      await eventually('one is shown', async () => (await operator.ids()).join() === opened.id);
      await keyboard.press('ArrowDown');
      await operator.holds(
        `document.activeElement.matches('tbody a') && document.activeElement.matches(':focus-visible')`,
      );
      await keyboard.press('Space');
      await page.getByText('1 selected').waitFor();
      await keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Timeline' }).waitFor();
      await keyboard.press('Escape');
      await operator.holds(`document.activeElement.closest('tr')?.dataset.id === '${opened.id}'`);
      expect(page.url()).toContain('user%3Akeys');
      await keyboard.press('Space');
      await page.getByText('1 selected').waitFor();
      await keyboard.press('Shift+Tab');
      for (let presses = 0; presses < 30; presses += 1) {
        if ((await operator.value('document.activeElement.textContent')) === 'End selected …') break;
        await keyboard.press('Shift+Tab');
      }
      await keyboard.press('Enter');
      await operator.holds(`document.activeElement.textContent === 'Cancel'`);
      // The focus stays in the dialog.
      for (let presses = 0; presses < 4; presses += 1) {
        await keyboard.press('Tab');
        expect(
          await operator.value(
            `document.activeElement === document.body || !!document.activeElement.closest('dialog')`,
          ),
        ).toBe(true);
      }
      await keyboard.press('Escape');
      await operator.holds(`document.activeElement.textContent === 'End selected …'`);
    }));

  it.each(['light', 'dark'] as const)('has no serious finding of axe in any view, %s', (colorScheme) =>
    visit(
      async (operator) => {
        const findings: string[] = [];
        const look = async (where: string): Promise<void> => {
          await operator.page.evaluate(AXE);
          const found = await operator.value<Finding[]>('axe.run().then(({ violations }) => violations)');
          findings.push(
            ...found
              .filter(({ impact }) => impact === 'serious' || impact === 'critical')
              .map(({ id: rule, nodes }) => `${where}: ${rule} ${nodes[0]?.html}`),
          );
        };
        for (const view of views()) {
          await shown(operator, view);
          await look(view);
        }
        await operator.show('sessions?q=user%3Aanna%20near:x');
        await operator.page.getByText('near:x: use a percentage').waitFor();
        await look('a fault');
        await operator.show('sessions?q=user%3Aanna');
        await operator.button('End all that match …').click();
        await operator.page.getByRole('button', { name: 'Cancel' }).waitFor();
        await look('the dialog');
        expect(findings).toEqual([]);
      },
      { colorScheme },
    ),
  );

  it('keeps the focus where it was when the list is sorted, and takes it to a session once', () =>
    visit(async (operator) => {
      const { page } = operator;
      const focused = (): Promise<string> => operator.value('document.activeElement.textContent');
      await operator.row(id).getByRole('link').click();
      await page.getByRole('heading', { name: 'Timeline' }).waitFor();
      await page.keyboard.press('Escape');
      await eventually('its row has the focus', async () => (await focused()) === id.slice(0, 8));
      await page.getByRole('button', { name: /^Opened/ }).focus();
      await page.keyboard.press('Enter');
      await page.waitForURL(/sort=-created_at/);
      await operator.row(id).waitFor();
      expect(await focused()).toMatch(/^Opened/);
    }));

  it('scrolls in no view to the side, and hides no column, on a screen of 360 pixels', () =>
    visit(
      async (operator) => {
        for (const view of views()) {
          await shown(operator, view);
          expect([view, await operator.value(WIDTH_AND_HIDDEN)]).toEqual([view, [NARROW.width, 0]]);
        }
      },
      { viewport: NARROW },
    ));
});
