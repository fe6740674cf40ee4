// Bundles the admin page into files that browsers may keep for ever: the hash of a file's content is in its name. Fails if the
// files are too large together.
import { readFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { licensesOf } from './licenses.mjs';
import { root } from './process.mjs';

const source = join(root, 'libs/sessions/page');
const target = join(root, 'libs/sessions/dist/admin/page/files');
/** All files together, as a browser gets them. */
const MOST_BYTES = 100 * 1024;
/** What the HTML refers to. */
const ENTRIES = ['app.tsx', 'app.css', 'icon.svg'];

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await writePage();

async function writePage() {
  const { metafile, outputFiles } = await bundlePage();
  const files = new Map(outputFiles.map(({ path, contents }) => [basename(path), contents]));
  const html = htmlOf(readFileSync(join(source, 'index.html'), 'utf8'), metafile.outputs);
  files.set('index.html', Buffer.from(html));
  const bytes = [...files.values()].reduce((sum, contents) => sum + gzipSync(contents).length, 0);
  if (bytes > MOST_BYTES) {
    console.error(`The admin page has ${bytes} bytes gzipped; ${MOST_BYTES} at most.`);
    process.exit(1);
  }
  mkdirSync(target, { recursive: true });
  for (const [name, contents] of files) writeFileSync(join(target, name), contents);
  writeFileSync(join(target, '../LICENSES.txt'), licensesOf(Object.keys(metafile.inputs)));
}

/** The files, and what is in them. */
export function bundlePage() {
  return build({
    absWorkingDir: root,
    entryPoints: ENTRIES.map((name) => join(source, name)),
    entryNames: '[name]-[hash]',
    chunkNames: 'part-[hash]',
    assetNames: '[name]-[hash]',
    outdir: target,
    write: false,
    bundle: true,
    splitting: true,
    metafile: true,
    platform: 'browser',
    format: 'esm',
    target: ['chrome111', 'firefox115', 'safari16.4'],
    tsconfig: join(source, 'tsconfig.json'),
    define: { 'process.env.NODE_ENV': '"production"' },
    loader: { '.svg': 'copy' },
    minify: true,
    legalComments: 'none',
  });
}

/** With the names of the bundled files. They are relative to the page's own address, `…/ui`. */
function htmlOf(text, outputs) {
  return ENTRIES.reduce((html, entry) => {
    const name = bundledNameOf(entry, outputs);
    const [before, after, ...more] = html.split(`"${entry}"`);
    if (after === undefined || more.length > 0) throw new Error(`index.html has not one "${entry}"`);
    return `${before}"ui/assets/${name}"${after}`;
  }, text);
}

function bundledNameOf(entry, outputs) {
  const path = relative(root, join(source, entry));
  const found = Object.entries(outputs).find(
    ([, { entryPoint, inputs }]) => (entryPoint ?? Object.keys(inputs)[0]) === path,
  );
  if (!found) throw new Error(`${entry} is in no bundled file`);
  return basename(found[0]);
}
