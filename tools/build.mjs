// Builds the library and the app if their sources are newer than the last build.
import { existsSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { npm, root, step } from './process.mjs';

const libSources = [
  'libs/sessions/src',
  'libs/sessions/page',
  'libs/sessions/package.json',
  'libs/sessions/tsconfig.lib.json',
  'tools/bundle-program.mjs',
  'tools/bundle-page.mjs',
  'tools/licenses.mjs',
];
const shared = ['package-lock.json', 'tsconfig.json'];
const appSources = ['src', 'tsconfig.build.json', 'tools/copy-page.mjs'];

export async function build() {
  const isLibStale = isStale('libs/sessions/dist', [...libSources, ...shared]);
  if (isLibStale) await buildInto('libs/sessions/dist', 'Building the library', 'build:lib');
  if (isLibStale || isStale('dist', [...appSources, ...shared])) {
    await buildInto('dist', 'Building the app', 'build:app');
  }
}

async function buildInto(folder, title, script) {
  const startedAt = new Date();
  await step(title, () => npm(['run', '-s', script]));
  writeFileSync(stampOf(folder), '');
  // A file that changes while the compiler runs counts as newer.
  utimesSync(stampOf(folder), startedAt, startedAt);
}

function isStale(folder, sources) {
  if (!existsSync(join(root, folder)) || !existsSync(stampOf(folder))) return true;
  const builtAt = statSync(stampOf(folder)).mtimeMs;
  return sources.some((source) => newest(join(root, source)) > builtAt);
}

/** Outside the build folder, since all of that is published. */
function stampOf(folder) {
  return join(root, 'node_modules', `.built-${folder.replaceAll('/', '-')}`);
}

/** The latest change below a path, folders included, so that removed files count. */
function newest(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  return readdirSync(path).reduce((latest, name) => Math.max(latest, newest(join(path, name))), stat.mtimeMs);
}
