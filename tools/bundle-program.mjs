// Bundles the compiled program `nest-sessions` and all its imports into a few files: loading 1,400 modules one by one takes
// Node twice as long. Worker threads have entry files of their own in the same folder.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { root } from './process.mjs';

const dist = join(root, 'libs/sessions/dist');
const folder = join(dist, 'program');
const programs = [
  'cli/bin.js',
  'stores/sqlite/sqlite.worker.js',
  'storage/local/scan/scan.worker.js',
  'storage/local/trash/trash.worker.js',
];

/** Optional peers, and optional imports of other packages. */
const external = [
  'redis',
  '@nestjs/microservices',
  '@nestjs/platform-express',
  '@nestjs/websockets',
  'class-transformer',
  'prettier',
  'typescript',
];

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: programs.map((name) => join(dist, name)),
  entryNames: '[name]',
  outdir: folder,
  bundle: true,
  splitting: true,
  metafile: true,
  platform: 'node',
  format: 'esm',
  target: 'node22',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  external,
  // CommonJS packages call `require` for Node's own modules.
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
  },
});

writeFileSync(join(folder, 'LICENSES.txt'), licensesOf(Object.keys(metafile.inputs)));

/** The licenses of the packages that these files come from. */
function licensesOf(files) {
  const packages = new Set(files.map(packageFolderOf).filter((path) => path !== null));
  return [...packages]
    .toSorted((a, b) => a.localeCompare(b))
    .map(licenseOf)
    .join('\n\n');
}

function packageFolderOf(file) {
  return /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? null;
}

function licenseOf(path) {
  const { name, version, license } = JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8'));
  const file = readdirSync(join(root, path)).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file === undefined ? '' : `\n\n${readFileSync(join(root, path, file), 'utf8').trim()}`;
  return `${name} ${version} (${license})${text}`;
}
