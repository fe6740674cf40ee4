import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A real browser with one page, which tells the test's server what it sees. */
export class Chromium {
  private constructor(
    private readonly browser: ChildProcess,
    private readonly profile: string,
  ) {}

  static async open(url: string): Promise<Chromium> {
    const profile = await mkdtemp(join(tmpdir(), 'nest-sessions-chromium-'));
    const flags = [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--no-first-run',
    ];
    const browser = spawn('chromium', [...flags, `--user-data-dir=${profile}`, url], {
      stdio: 'ignore',
      // Its helpers end with it.
      detached: true,
    });
    await once(browser, 'spawn');
    return new Chromium(browser, profile);
  }

  async close(): Promise<void> {
    const exited = once(this.browser, 'exit');
    if (this.browser.exitCode === null && this.browser.signalCode === null) {
      process.kill(-this.browser.pid!, 'SIGKILL');
      await exited;
    }
    await rm(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
