import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';

const ROOT = resolve(__dirname, '../..');
const FOLDER = join(ROOT, 'libs/sessions/dist/admin/page');
const MOST_GZIPPED = 100 * 1024;
const MOST_PACKED = 2 * 1024 * 1024;
const MOST_UNPACKED = 8 * 1024 * 1024;

const run = promisify(execFile);

interface Packed {
  readonly filename: string;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

describe('The admin page in the package', () => {
  it('is less than 100 KiB, gzipped', async () => {
    const names = await readdir(join(FOLDER, 'files'));
    const contents = await Promise.all(names.map((name) => readFile(join(FOLDER, 'files', name))));
    const bytes = contents.reduce((sum, content) => sum + gzipSync(content).length, 0);
    expect(names.length).toBeGreaterThan(3);
    expect(bytes).toBeGreaterThan(10_000);
    expect(bytes).toBeLessThan(MOST_GZIPPED);
  });

  it('comes with the license of every package that is in its files', async () => {
    const program = `
      const { bundlePage } = await import('./tools/bundle-page.mjs');
      const { metafile } = await bundlePage();
      process.stdout.write(JSON.stringify(Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs))));
    `;
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program], { cwd: ROOT });
    const modules = JSON.parse(stdout) as string[];
    const folders = modules.flatMap((path) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? []);
    const names = new Set(folders);
    const notices = await readFile(join(FOLDER, 'LICENSES.txt'), 'utf8');
    for (const folder of names) {
      const { name, version } = JSON.parse(await readFile(join(ROOT, folder, 'package.json'), 'utf8')) as {
        name: string;
        version: string;
      };
      expect(notices).toContain(`${name} ${version} (`);
      const license = (await readdir(join(ROOT, folder))).find((file) => /^licen[cs]e/i.test(file));
      expect([name, license]).toEqual([name, expect.any(String)]);
      expect(notices).toContain((await readFile(join(ROOT, folder, license!), 'utf8')).trim());
    }
    const bundled = [...names].map((folder) => folder.split('node_modules/').at(-1));
    expect(new Set(bundled)).toEqual(new Set(['preact', 'uplot']));
  });

  it('leaves the package small, and takes neither its sources nor its packages along', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nest-sessions-packed-'));
    const args = ['pack', '--json', '--silent', '--pack-destination', folder, '-w', 'nest-sessions'];
    const { stdout } = await run('npm', args, { cwd: ROOT });
    const [packed] = Object.values(JSON.parse(stdout) as Record<string, Packed>);
    const { size } = await stat(join(folder, packed!.filename));
    await rm(folder, { recursive: true });
    expect(size).toBeLessThan(MOST_PACKED);
    expect(packed!.unpackedSize).toBeLessThan(MOST_UNPACKED);
    const paths = packed!.files.map(({ path }) => path);
    expect(paths).toContain('dist/admin/page/LICENSES.txt');
    expect(paths).toContain('dist/admin/page/files/index.html');
    expect(paths.filter((path) => path.startsWith('page/') || path.includes('node_modules'))).toEqual([]);
    const { dependencies } = JSON.parse(await readFile(join(ROOT, 'libs/sessions/package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    expect(Object.keys(dependencies)).not.toContain('preact');
  }, 120_000);
});
