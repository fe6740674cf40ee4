import { SessionsError } from 'nest-sessions';
import { SessionsCore } from '#sessions/core/core';
import { Chromium } from '../../support/chromium.js';
import { eventually } from '../../support/eventually.js';
import { ADAPTERS } from '../../support/http-app.js';
import { AdminClient, TOKEN } from '../admin-client.js';
import { OperatorApp } from './operator-app.js';
import { operating, type OperatorPage } from './operator-page.js';

interface List {
  readonly sessions: { readonly session_id: string }[];
}

interface Audit {
  readonly entries: { readonly deed: string; readonly outcome: string; readonly sessions: number }[];
}

describe.each(ADAPTERS)('Ending sessions on the admin page, on %s,', (adapter) => {
  let app: OperatorApp;
  let chromium: Chromium;

  beforeAll(async () => {
    app = await OperatorApp.start(adapter);
    chromium = await Chromium.open('about:blank');
  }, 60_000);
  afterEach(() => jest.restoreAllMocks());
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

  async function left(user: string): Promise<string[]> {
    const list = await new AdminClient(app.running.url).read<List>(`/admin/sessions?user_id=${user}`);
    return list.sessions.map(({ session_id: id }) => id);
  }

  /** Until `mend` is called, the store ends all sessions but this one. */
  function breakEndOf(broken: string): { mend: () => void } {
    const { endings } = app.running.app.get(SessionsCore).store;
    const begin = endings.beginEnd.bind(endings);
    const spy = jest.spyOn(endings, 'beginEnd').mockImplementation(async (id, ...more) => {
      if (id === broken) throw new SessionsError('STORE_UNAVAILABLE', 'no');
      return begin(id, ...more);
    });
    return { mend: () => spy.mockRestore() };
  }

  it('all that match: 30, of which one fails and is tried again; none that was opened after the dry run', () =>
    visit(async (operator) => {
      const { page } = operator;
      const ids = await app.openMany(30, 'anna');
      const { browser } = await app.open('bert');
      await browser.fetch('/files?size=1000', { method: 'POST' });
      const { mend } = breakEndOf(ids[7]!);
      await operator.show('sessions?q=user%3Aanna');
      await page.getByText('30 sessions', { exact: true }).waitFor();
      await operator.button('End all that match …').click();
      const dialog = page.getByRole('dialog', { name: 'End sessions' });
      const end = dialog.getByRole('button', { name: 'End 30 sessions' });
      await end.waitFor();
      await dialog.getByText('user:anna').waitFor();
      const { id: late } = await app.open('anna');
      expect(await end.isDisabled()).toBe(true);
      await dialog.getByLabel('Type 30 to confirm').fill('31');
      expect(await end.isDisabled()).toBe(true);
      await dialog.getByLabel('Type 30 to confirm').fill('30');
      await end.click();

      await dialog.getByText('29 of 30 sessions ended', { exact: false }).waitFor();
      await dialog.getByText('the store did not answer').waitFor();
      expect((await left('anna')).toSorted()).toEqual([ids[7]!, late].toSorted());
      mend();
      await dialog.getByRole('button', { name: 'Try 1 session again' }).click();
      await dialog.getByText('1 of 1 session ended', { exact: false }).waitFor();
      await dialog.getByRole('button', { name: 'Close' }).click();
      expect(await left('anna')).toEqual([late]);
      expect(await left('bert')).toHaveLength(1);
      await eventually('the list shows it', async () => (await operator.ids()).join() === late);

      await operator.show('audit');
      await page.getByText('End several sessions').first().waitFor();
      const { entries } = await new AdminClient(app.running.url).read<Audit>('/admin/sessions/audit');
      expect(entries.filter(({ deed }) => deed === 'end-many').map(({ sessions }) => sessions)).toEqual([
        1, 29,
      ]);
    }));

  it('none that came to match after the count', () =>
    visit(async (operator) => {
      const { page } = operator;
      const [large, growing] = [await app.open('egon'), await app.open('egon')];
      await large.browser.fetch('/files?size=3000', { method: 'POST' });
      await operator.show('sessions?q=user%3Aegon%20bytes%3E2000');
      await operator.row(large.id).waitFor();
      await operator.button('End all that match …').click();
      const dialog = page.getByRole('dialog', { name: 'End sessions' });
      const end = dialog.getByRole('button', { name: 'End 1 session' });
      await end.waitFor();
      await growing.browser.fetch('/files?size=3000', { method: 'POST' });
      await end.click();
      await dialog.getByText('1 of 1 session ended', { exact: false }).waitFor();
      expect(await left('egon')).toEqual([growing.id]);
      await dialog.getByRole('button', { name: 'Close' }).click();
    }));

  it('after a sign-in in another tab: nothing at first, and then by the new sign-in', () =>
    visit(async (operator) => {
      const { page } = operator;
      const { id } = await app.open('fanny');
      await operator.show('sessions?q=user%3Afanny');
      await operator.row(id).getByRole('checkbox').check();
      const headers = { 'Content-Type': 'application/json' };
      const signIn = { method: 'POST', headers, body: JSON.stringify({ token: TOKEN }) };
      await page.evaluate(`fetch('ui', ${JSON.stringify(signIn)})`);
      await operator.button('End selected …').click();
      const dialog = page.getByRole('dialog', { name: 'End sessions' });
      await dialog.getByText('X-CSRF-Token', { exact: false }).waitFor();
      expect(await left('fanny')).toEqual([id]);
      await dialog.getByRole('button', { name: 'Count again' }).click();
      await dialog.getByRole('button', { name: 'End 1 session' }).click();
      await dialog.getByText('1 of 1 session ended', { exact: false }).waitFor();
      expect(await left('fanny')).toEqual([]);
      await dialog.getByRole('button', { name: 'Close' }).click();
    }));

  it('those that were chosen, after their files and bytes are shown; cancelled, nothing ends', () =>
    visit(async (operator) => {
      const { page } = operator;
      const [one, two, three] = [await app.open('carla'), await app.open('carla'), await app.open('carla')];
      await one.browser.fetch('/files?size=3000', { method: 'POST' });
      await operator.show('sessions?q=user%3Acarla');
      await operator.row(one.id).getByRole('checkbox').check();
      await operator.row(two.id).getByRole('checkbox').check();
      await page.getByText('2 selected').waitFor();
      await operator.button('End selected …').click();
      const dialog = page.getByRole('dialog', { name: 'End sessions' });
      await dialog.getByText('3 kB').waitFor();
      await dialog.getByRole('button', { name: 'Cancel' }).click();
      expect(await left('carla')).toHaveLength(3);
      await operator.button('End selected …').click();
      await dialog.getByRole('button', { name: 'End 2 sessions' }).click();
      await dialog.getByText('2 of 2 sessions ended', { exact: false }).waitFor();
      await page.keyboard.press('Escape');
      expect(await left('carla')).toEqual([three.id]);
    }));

  it('one, from its own view; and counts again where the answer was lost', () =>
    visit(async (operator) => {
      const { page } = operator;
      const { id } = await app.open('dora');
      await operator.show(`sessions/${id}`);
      await operator.button('End session …').click();
      const dialog = page.getByRole('dialog', { name: 'End sessions' });
      const end = dialog.getByRole('button', { name: 'End 1 session' });
      await end.waitFor();
      // The server does it, and the browser never hears.
      await page.route('**/admin/sessions/cleanup', async (route) => {
        await new AdminClient(app.running.url).cleanup(id);
        await route.abort();
      });
      await end.click();
      await dialog.getByText('The answer was lost', { exact: false }).waitFor();
      await page.unroute('**/admin/sessions/cleanup');
      await dialog.getByRole('button', { name: 'Count again' }).click();
      await dialog.getByText('No live session is meant any more.').waitFor();
      await dialog.getByRole('button', { name: 'Close' }).click();
      await page.getByText('ended by an operator').first().waitFor();
      expect(await left('dora')).toEqual([]);
      operator.faults.length = 0;
    }));
});
