import { join, resolve } from 'node:path';
import type { BrowserContextOptions, Page } from 'playwright-core';
import type { Chromium } from '../support/chromium.js';
import { eventually } from '../support/eventually.js';

const AUDIO = resolve(import.meta.dirname, '../fixtures/audio');

/** How the tests name an element. */
export const NAMED = `(element) => element.getAttribute('aria-label') ?? (element.id || element.textContent.trim())`;
export const FOCUSED = `(${NAMED})(document.activeElement)`;

/** The path of a recording among the fixtures. */
export const audio = (name: string): string => join(AUDIO, name);

/** A PCM WAV of silence: 96,000 bytes a second. */
export function silence(seconds: number): { name: string; mimeType: string; buffer: Buffer } {
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

/** The page of the app in a browser of its own, and what went wrong in it. */
export class PageVisit {
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

  static async to(chromium: Chromium, url: string, options?: BrowserContextOptions): Promise<PageVisit> {
    const visit = new PageVisit(await chromium.newPage(options));
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

/** What `work` does in the page must break no script, and no rule of its policy. */
export async function visiting(
  chromium: Chromium,
  url: string,
  work: (visit: PageVisit) => Promise<void>,
  options?: BrowserContextOptions,
): Promise<void> {
  const visit = await PageVisit.to(chromium, url, options);
  try {
    await work(visit);
    expect(visit.faults).toEqual([]);
  } finally {
    await visit.close();
  }
}
