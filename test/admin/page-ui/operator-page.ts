import type { BrowserContextOptions, Locator, Page } from 'playwright-core';
import type { Chromium } from '../../support/chromium.js';
import { eventually } from '../../support/eventually.js';
import { TOKEN } from '../admin-client.js';

const REPORTS = `addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
  console.error('policy violated:', violatedDirective, blockedURI))`;
/** What a browser says by itself of an answer that is no success. */
const ABOUT_STATUS = /^Failed to load resource: the server responded with a status of/;

/** The admin page in a profile of its own, and what went wrong in it. */
export class OperatorPage {
  /** Errors of scripts, and whatever the browser complains about. */
  readonly faults: string[] = [];

  private constructor(
    readonly page: Page,
    private readonly url: string,
  ) {
    page.on('pageerror', ({ message }) => this.faults.push(message));
    page.on('dialog', (dialog) => {
      this.faults.push(`a script said ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('console', (message) => {
      if (message.type() === 'error' && !ABOUT_STATUS.test(message.text())) this.faults.push(message.text());
    });
  }

  static async open(
    chromium: Chromium,
    url: string,
    options: BrowserContextOptions = {},
  ): Promise<OperatorPage> {
    const page = await chromium.newPage({ locale: 'en-GB', timezoneId: 'Europe/Vienna', ...options });
    await page.addInitScript(REPORTS);
    const operator = new OperatorPage(page, url);
    await page.goto(url);
    return operator;
  }

  async signIn(token: string = TOKEN): Promise<void> {
    await this.page.getByLabel('Admin token').fill(token);
    await this.page.keyboard.press('Enter');
  }

  /** Shows a view by its place in the URL. */
  async show(hash: string): Promise<void> {
    await this.page.goto(`${this.url}#${hash}`);
  }

  async isLive(): Promise<void> {
    await this.page.locator('.live .state').getByText('Live', { exact: true }).waitFor();
  }

  /** What the browser lets go of when the eight hours are over. */
  async expire(): Promise<void> {
    await this.page.context().clearCookies();
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole('button', { name, exact: true });
  }

  get rows(): Locator {
    return this.page.locator('tbody tr');
  }

  row(id: string): Locator {
    return this.page.locator(`tr[data-id="${id}"]`);
  }

  ids(): Promise<string[]> {
    return this.page.evaluate(`[...document.querySelectorAll('tbody tr')].map((row) => row.dataset.id)`);
  }

  value<Value>(expression: string): Promise<Value> {
    return this.page.evaluate<Value>(expression);
  }

  async holds(expression: string): Promise<void> {
    await eventually(`${expression} holds`, () => this.value<boolean>(expression));
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }
}

/** What `work` does on the page must break no script, and no rule of its policy. */
export async function operating(
  chromium: Chromium,
  url: string,
  work: (operator: OperatorPage) => Promise<void>,
  options?: BrowserContextOptions,
): Promise<void> {
  const operator = await OperatorPage.open(chromium, url, options);
  try {
    await work(operator);
    expect(operator.faults).toEqual([]);
  } finally {
    await operator.close();
  }
}
