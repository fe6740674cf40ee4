import { Chromium } from '../../support/chromium.js';
import { ADAPTERS } from '../../support/http-app.js';
import { KEY_ID, TOKEN } from '../admin-client.js';
import { OperatorApp, READ_TOKEN } from './operator-app.js';
import { operating, type OperatorPage } from './operator-page.js';

describe.each(ADAPTERS)('Signing in to the admin page, on %s,', (adapter) => {
  let app: OperatorApp;
  let chromium: Chromium;
  let id: string;

  beforeAll(async () => {
    app = await OperatorApp.start(adapter);
    ({ id } = await app.open('anna'));
    chromium = await Chromium.open('about:blank');
  }, 60_000);
  afterAll(async () => {
    await chromium.close();
    await app.close();
  });

  const visit = (work: (operator: OperatorPage) => Promise<void>): Promise<void> =>
    operating(chromium, app.url, work);

  it('a wrong token is refused, the right one shows the list, and leaves no trace in the browser', () =>
    visit(async (operator) => {
      const { page } = operator;
      await operator.signIn('not-the-token-of-this-server-at-all');
      await page.getByText('This token is not valid.').waitFor();
      await operator.signIn();
      await operator.row(id).waitFor();
      await page.getByText(KEY_ID).waitFor();
      const kept = await operator.value<string>(
        'JSON.stringify([localStorage, sessionStorage, document.cookie, location.href, document.documentElement.outerHTML])',
      );
      expect(kept).not.toContain(TOKEN);
    }));

  it('signing out shows the form, and so does a reload', () =>
    visit(async (operator) => {
      await operator.signIn();
      await operator.row(id).waitFor();
      await operator.button('Sign out').click();
      await operator.page.getByText('You are signed out.').waitFor();
      await operator.page.reload();
      await operator.page.getByLabel('Admin token').waitFor();
      expect(await operator.rows.count()).toBe(0);
    }));

  it('with the read token everything is shown, and nothing can be ended', () =>
    visit(async (operator) => {
      const { page } = operator;
      await operator.signIn(READ_TOKEN);
      await operator.row(id).waitFor();
      await page.getByText('Read only').waitFor();
      await operator.show('sessions?q=user%3Aanna');
      await operator.row(id).waitFor();
      expect(await page.getByRole('checkbox').count()).toBe(0);
      expect(await page.getByRole('contentinfo').textContent()).not.toContain('Space');
      await operator.row(id).getByRole('link').click();
      await page.getByRole('heading', { name: 'Timeline' }).waitFor();
      await page.getByText('Logged in').waitFor();
      expect(await page.getByRole('button', { name: /^End/ }).count()).toBe(0);
    }));

  it('a cookie that is over asks to sign in again, and keeps filter, selection and dialog', () =>
    visit(async (operator) => {
      const { page } = operator;
      await operator.signIn();
      await operator.row(id).waitFor();
      await operator.show('sessions?q=user%3Aanna');
      await operator.row(id).getByRole('checkbox').check();
      await operator.button('End selected …').click();
      const ending = page.getByRole('dialog', { name: 'End sessions' });
      await ending.getByText('End 1 session').waitFor();
      await operator.expire();
      await ending.getByRole('button', { name: 'End 1 session' }).click();
      const again = page.getByRole('dialog', { name: 'Sign in again' });
      await again.waitFor();
      // Escape closes no dialog that the page needs an answer to.
      await page.keyboard.press('Escape');
      await page.keyboard.press('Escape');
      await again.waitFor();
      await operator.signIn();
      await again.waitFor({ state: 'detached' });
      expect(await ending.isVisible()).toBe(true);
      await ending.getByRole('button', { name: 'Count again' }).click();
      await ending.getByRole('button', { name: 'End 1 session' }).waitFor();
      await page.keyboard.press('Escape');
      await operator.isLive();
      expect(await operator.row(id).getByRole('checkbox').isChecked()).toBe(true);
      expect(await page.getByLabel('Filter', { exact: true }).inputValue()).toBe('user:anna');
    }));
});
