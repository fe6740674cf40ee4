import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';

const PROGRAM = '/usr/bin/chromium';
/** A microphone that beeps, which pages may use and play without a click. */
const MEDIA = [
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
];

/** A real browser with one page and a profile of its own. It trusts every certificate. */
export class Chromium {
  private constructor(
    private readonly browser: Browser,
    readonly page: Page,
  ) {}

  static async open(url: string): Promise<Chromium> {
    const browser = await chromium.launch({
      executablePath: PROGRAM,
      args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', ...MEDIA],
    });
    try {
      const page = await browser.newPage({ ignoreHTTPSErrors: true });
      await page.goto(url, { waitUntil: 'commit' });
      return new Chromium(browser, page);
    } catch (error) {
      await browser.close();
      throw error;
    }
  }

  /** Another page, with a profile of its own. */
  newPage(options: BrowserContextOptions = {}): Promise<Page> {
    return this.browser.newPage({ ignoreHTTPSErrors: true, ...options });
  }

  async close(): Promise<void> {
    await this.browser.close();
  }
}
