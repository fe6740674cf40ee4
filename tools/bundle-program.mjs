// Bundles the compiled program `nest-sessions` and all its imports into a few files: loading 1,400 modules one by one takes
// Node twice as long. Worker threads have entry files of their own in the same folder. The thread of SQLite, of which an app
// starts three, becomes one file also where the library has it.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { licensesOf } from './licenses.mjs';
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

/** What other packages load and these commands never call: questions in old encodings, and telephone numbers. */
const UNUSED = /^(?:iconv-lite|chardet|libphonenumber-js(?:\/.*)?)$/;
const withoutUnused = {
  name: 'without-unused',
  setup(bundle) {
    bundle.onResolve({ filter: UNUSED }, ({ path }) => ({ path, namespace: 'unused' }));
    bundle.onLoad({ filter: /.*/, namespace: 'unused' }, () => ({ contents: 'module.exports = {};' }));
  },
};

const options = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node22',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
};

const { metafile } = await build({
  ...options,
  entryPoints: programs.map((name) => join(dist, name)),
  entryNames: '[name]',
  outdir: folder,
  splitting: true,
  metafile: true,
  external,
  plugins: [withoutUnused],
  // CommonJS packages call `require` for Node's own modules.
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
  },
});

writeFileSync(join(folder, 'LICENSES.txt'), licensesOf(Object.keys(metafile.inputs)));

const thread = join(dist, 'stores/sqlite/sqlite.worker.js');
await build({ ...options, entryPoints: [thread], outfile: thread, allowOverwrite: true });
