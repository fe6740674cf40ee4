import { Chromium } from '../../support/chromium.js';
import { eventually } from '../../support/eventually.js';
import { ADAPTERS } from '../../support/http-app.js';
import { TOKEN } from '../admin-client.js';
import { OperatorApp } from './operator-app.js';
import { operating, type OperatorPage } from './operator-page.js';

/** In the place of the browser's, so that a test sends the events. */
const FAKE_EVENTS = `window.EventSource = class extends EventTarget {
  constructor() { super(); window.feed = this; setTimeout(() => this.dispatchEvent(new Event('open'))); }
  close() {}
}`;
const UPDATES = 100;

describe.each(ADAPTERS)('The live list of the admin page, on %s,', (adapter) => {
  let app: OperatorApp;
  let chromium: Chromium;

  beforeAll(async () => {
    app = await OperatorApp.start(adapter);
    chromium = await Chromium.open('about:blank');
  }, 60_000);
  afterAll(async () => {
    await chromium.close();
    await app.close();
  });

  const visit = (work: (operator: OperatorPage) => Promise<void>): Promise<void> =>
    operating(chromium, app.url, async (operator) => {
      await operator.signIn();
      await operator.isLive();
      await work(operator);
    });

  it('filters, tells faults, sorts, and has its state in the URL', () =>
    visit(async (operator) => {
      const { page } = operator;
      const { id, browser } = await app.open('bert');
      await app.open('berta');
      await browser.fetch('/files?size=5000', { method: 'POST' });
      const filter = page.getByLabel('Filter', { exact: true });
      const apply = async (text: string): Promise<void> => {
        await filter.fill(text);
        await filter.press('Enter');
      };
      await apply('user:bert bytes>4kB near:x colour:red');
      await page.getByText('near:x: use a percentage from 1 to 100.').waitFor();
      await page.getByText('“colour:red” is no term.').waitFor();
      await apply('user:bert bytes>4kB');
      await eventually('one matches', async () => (await operator.ids()).join() === id);
      expect(await operator.row(id).textContent()).toContain('5 kB');
      await apply('user:bert bytes>6kB');
      await page.getByText('No session matches this filter.').waitFor();
      // What is in the box and not in force ends nothing.
      const endAll = operator.button('End all that match …');
      await eventually('it may be taken', () => endAll.isEnabled());
      await filter.fill('user:bert bytes>7kB');
      await eventually('it may not', () => endAll.isDisabled());
      await filter.fill('user:bert bytes>6kB');
      await eventually('it may again', () => endAll.isEnabled());
      await apply('ip:nowhere');
      await page.getByText(/^ip must be an address/).waitFor();
      await operator.isLive();

      await apply('ip:127.0.0.0/8');
      await operator.button(/^Size/).click();
      await eventually('the largest is first', async () => (await operator.ids())[0] === id);
      await operator.button(/^Size/).click();
      await eventually('the largest is last', async () => (await operator.ids()).at(-1) === id);
      const before = page.url();
      await page.reload();
      await eventually('it is as before', async () => (await operator.ids()).at(-1) === id);
      expect([page.url(), await filter.inputValue()]).toEqual([before, 'ip:127.0.0.0/8']);
      await page.goBack();
      await eventually('back', async () => (await operator.ids())[0] === id);

      await browser.fetch('/session', { method: 'DELETE' });
      await apply('state:ended');
      await page.getByText('ended by its user').first().waitFor();
      await apply(id);
      await page.getByText('Held at its end').waitFor();
      expect(page.url()).toContain(id);
      await page.goBack();
      await apply(`/var/lib/app/s/${id.slice(0, 2)}/${id.replaceAll('-', '')}/0f`);
      await page.getByText('Held at its end').waitFor();
      expect(page.url()).toContain(id);
    }));

  it('shows what is new by itself; not while it is paused, and not under the pointer', () =>
    visit(async (operator) => {
      const { page } = operator;
      const user = 'carla';
      const first = await app.open(user);
      await operator.show(`sessions?q=user%3A${user}`);
      await operator.row(first.id).waitFor();
      const second = await app.open(user);
      await operator.row(second.id).waitFor();
      await operator.isLive();

      await operator.row(first.id).hover();
      const third = await app.open(user);
      await operator.button('1 new').waitFor();
      const shown = await operator.ids();
      expect(shown.toSorted()).toEqual([first.id, second.id].toSorted());
      await first.browser.fetch('/session', { method: 'DELETE' });
      await page.locator(`tr.gone[data-id="${first.id}"]`).waitFor();
      expect(await operator.ids()).toEqual(shown);
      await operator.button('1 new').click();
      await operator.row(third.id).waitFor();

      await page.mouse.move(5, 5);
      await operator.button('Pause').click();
      await page.locator('.live .state').getByText('Paused').waitFor();
      const fourth = await app.open(user);
      await page.waitForTimeout(2500);
      expect(await operator.row(fourth.id).count()).toBe(0);
      await operator.row(third.id).getByRole('link').click();
      await page.getByRole('heading', { name: 'Timeline' }).waitFor();
      await page.keyboard.press('Escape');
      await page.locator('.live .state').getByText('Paused').waitFor();
      await operator.button('Resume').click();
      await operator.row(fourth.id).waitFor();
    }));

  it('says that it is disconnected, and connects again', () =>
    visit(async (operator) => {
      const { page } = operator;
      await page.route('**/ui/events**', (route) => route.abort());
      await operator.button('Pause').click();
      await operator.button('Resume').click();
      await page.locator('.live .state').getByText('Disconnected').waitFor();
      await page.getByText(/^next try in \d+ s$/).waitFor();
      await page.unroute('**/ui/events**');
      await operator.isLive();
      expect(await page.getByText(/^next try in/).count()).toBe(0);
      operator.faults.length = 0;
    }));

  it(`keeps selection, focus and an open dialog over ${UPDATES} updates`, async () => {
    const ids = await app.openMany(3, 'dora');
    const page = await chromium.newPage();
    await page.addInitScript(FAKE_EVENTS);
    await page.goto(`${app.url}#sessions?q=user%3Adora`);
    await page.getByLabel('Admin token').fill(TOKEN);
    await page.keyboard.press('Enter');
    const box = page.locator(`tr[data-id="${ids[1]}"] input`);
    await box.check();
    await page.getByRole('button', { name: 'End selected …' }).click();
    await page.getByRole('button', { name: 'Cancel' }).waitFor();
    const list = await page.evaluate(
      `fetch('../sessions?user_id=dora&resources=none').then((answer) => answer.json())`,
    );
    // Others come and go around them, in ever other orders.
    await page.evaluate(
      `(async (list) => {
        for (let update = 0; update < ${UPDATES}; update += 1) {
          const others = list.sessions.map((one) => ({ ...one, session_id: crypto.randomUUID() }));
          const sessions = [...list.sessions, ...others].toSorted(() => Math.random() - 0.5);
          const data = JSON.stringify({ ...list, sessions: update % 7 === 3 ? others : sessions });
          feed.dispatchEvent(new MessageEvent('page', { data }));
          await new Promise((resolve) => requestAnimationFrame(resolve));
        }
      })(${JSON.stringify(list)})`,
    );
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Cancel');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await box.isChecked()).toBe(true);
    expect(await page.locator('tbody input:checked').count()).toBe(1);
    await page.context().close();
  });

  it('shows 100 of a page, and the next', () =>
    visit(async (operator) => {
      const { page } = operator;
      await app.openMany(130, 'emil');
      await operator.show('sessions?q=user%3Aemil&sort=created_at');
      await page.getByText('The first 100').waitFor();
      const first = await operator.ids();
      await page.getByRole('link', { name: 'Next page' }).click();
      await page.getByText('Page 2').waitFor();
      await eventually('the rest is shown', async () => (await operator.ids()).length === 30);
      const second = await operator.ids();
      expect(new Set([...first, ...second]).size).toBe(130);
      await page.getByRole('link', { name: 'First page' }).click();
      await eventually('the first page', async () => (await operator.ids()).join() === first.join());
    }));
});
