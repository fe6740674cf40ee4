import { mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApp } from '../support/http-app.js';

describe('A refused storage root', () => {
  let folder: string;
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'nest-sessions-root-'))));
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('gets no database either', async () => {
    await writeFile(join(folder, 'photo.jpg'), '');
    const link = `${folder}-link`;
    await symlink(folder, link);
    try {
      for (const storagePath of [folder, link]) {
        const start = startApp('express', { options: { storagePath } });
        await expect(start).rejects.toMatchObject({ code: 'STORAGE_UNSAFE' });
      }
      expect(await readdir(folder)).toEqual(['photo.jpg']);
    } finally {
      await rm(link);
    }
  });
});
