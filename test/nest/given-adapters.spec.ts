import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inMemoryAdapters } from 'nest-sessions/testing';
import { startApp } from '../support/http-app.js';

describe('Adapters that an app passes', () => {
  const storagePath = join(tmpdir(), `nest-sessions-none-${process.pid}`);

  it('in memory leave the disk alone', async () => {
    const running = await startApp('express', { options: { storagePath, adapters: inMemoryAdapters() } });
    await running.close();
    expect(existsSync(storagePath)).toBe(false);
  });

  it('with a root but no storage are refused', async () => {
    const { storageRoot } = inMemoryAdapters();
    const start = startApp('express', { options: { storagePath, adapters: { storageRoot } } });
    await expect(start).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});
