import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readPage, readPages, ROOT, type Page } from './pages.js';

const published = readPages();
const inRepository = [...published, readPage('CONTRIBUTING.md'), readPage('CHANGELOG.md')];
const LINK = /\]\(([^)\s]+)\)/g;
const HEADING = /^#+ (.+)$/gm;

/** What GitHub and npm make of a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-');
}

/** Links of a page that lead nowhere, of those within `root`. */
function brokenLinks({ path, text }: Page, root: string): string[] {
  const links = [...text.matchAll(LINK)]
    .map(([, link = '']) => link)
    .filter((link) => !/^https?:/.test(link));
  return links.filter((link) => {
    const [file = '', anchor] = link.split('#');
    const target = file === '' ? join(root, path) : join(root, dirname(path), file);
    if (!existsSync(target)) return true;
    if (anchor === undefined) return false;
    const headings = [...readFileSync(target, 'utf8').matchAll(HEADING)].map(([, heading = '']) => heading);
    return !headings.map(anchorOf).includes(anchor);
  });
}

describe('The links of the pages', () => {
  it.each(inRepository.map((page) => [page.path, page] as const))(
    'of %s lead to files and headings that exist',
    (_path, page) => expect(brokenLinks(page, ROOT)).toEqual([]),
  );

  it('lead somewhere in the published package, too', () => {
    const folder = mkdtempSync(join(tmpdir(), 'package-'));
    try {
      execFileSync(process.execPath, [join(ROOT, 'tools/copy-docs.mjs'), folder]);
      for (const part of ['dist', 'src']) symlinkSync(join(ROOT, 'libs/sessions', part), join(folder, part));
      const pages = published.map(({ path }) => ({ path, text: readFileSync(join(folder, path), 'utf8') }));
      expect(pages.map((page) => [page.path, brokenLinks(page, folder)] as const)).toEqual(
        published.map(({ path }) => [path, []]),
      );
      const manifest = JSON.parse(readFileSync(join(ROOT, 'libs/sessions/package.json'), 'utf8')) as {
        files: string[];
        scripts: Record<string, string>;
      };
      expect(manifest.files).toEqual(
        expect.arrayContaining([
          'dist',
          'docs',
          'src/stores/README.md',
          'README.md',
          'CHANGELOG.md',
          'LICENSE',
        ]),
      );
      expect(manifest.scripts['prepack']).toBe('node ../../tools/copy-docs.mjs');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('are found where they lead nowhere', () => {
    const page = (text: string): Page => ({ path: 'docs/words.md', text });
    expect(brokenLinks(page('[a](options.md) [b](#words) [c](../README.md#limits)'), ROOT)).toEqual([]);
    expect(brokenLinks(page('[a](nothing.md) [b](#nothing)'), ROOT)).toEqual(['nothing.md', '#nothing']);
  });
});
