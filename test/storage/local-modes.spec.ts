import { chmodSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalStorage } from '#sessions/storage/local/create-local-storage';

const SESSION = '5e550000-0000-4000-8000-000000000000';
const HEX = SESSION.replaceAll('-', '');
const FILE = '5e5f0000400080000000000000000000';

describe('The entries of a root that other users may read', () => {
  let outer: string;
  let root: string;
  let storageRoot: ReturnType<typeof createLocalStorage>['storageRoot'];

  beforeEach(async () => {
    outer = await mkdtemp(join(tmpdir(), 'nest-sessions-modes-'));
    root = join(outer, 'root');
    const options = { root, minFreeBytes: 0, minFreeInodes: 0, ballastBytes: 0 };
    ({ storageRoot } = createLocalStorage(options));
    await storageRoot.connect({ generation: 'one', counter: 0 });
    mkdirSync(join(root, 's/5e', HEX), { recursive: true, mode: 0o700 });
    writeFileSync(join(root, 's/5e', HEX, FILE), 'a phrase', { mode: 0o400 });
  });
  afterEach(() => rm(outer, { recursive: true }));

  it('are none in a root that nobody has changed', async () => {
    expect(await storageRoot.listExposed(10)).toEqual([]);
    expect(await storageRoot.closeExposed()).toBe(0);
  });

  it('are listed with their modes, and closed, each keeping the rights of its owner', async () => {
    const [folder, file] = [join(root, 's/5e', HEX), join(root, 's/5e', HEX, FILE)];
    chmodSync(folder, 0o755);
    chmodSync(file, 0o444);
    expect(await storageRoot.listExposed(10)).toEqual([
      { name: `s/5e/${HEX}`, mode: '0755', isOurs: true },
      { name: `s/5e/${HEX}/${FILE}`, mode: '0444', isOurs: true },
    ]);
    expect(await storageRoot.listExposed(1)).toHaveLength(1);
    expect(await storageRoot.closeExposed()).toBe(2);
    expect([folder, file].map((path) => statSync(path).mode & 0o777)).toEqual([0o700, 0o400]);
    expect(await storageRoot.listExposed(10)).toEqual([]);
  });

  it('are not those with other names, and nothing behind a link', async () => {
    const folder = join(root, 's/5e', HEX);
    const elsewhere = join(outer, 'elsewhere');
    writeFileSync(elsewhere, 'of somebody', { mode: 0o644 });
    writeFileSync(join(folder, 'notes'), 'of an operator', { mode: 0o644 });
    symlinkSync(elsewhere, join(folder, FILE.replace('5f', '5d')));
    expect(await storageRoot.closeExposed()).toBe(0);
    expect([elsewhere, join(folder, 'notes')].map((path) => statSync(path).mode & 0o777)).toEqual([
      0o644, 0o644,
    ]);
  });
});
