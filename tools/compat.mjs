// Packs the library and tests it in two apps outside this workspace: on the oldest supported Nest 11, in CommonJS, and on
// Nest 12, in ESM, as `nest new` sets it up.
import { cpSync, mkdtempSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { npm, root, step } from './process.mjs';

const apps = { nest11: 'Nest 11, in CommonJS', 'nest12-vitest': 'Nest 12, in ESM' };
const packed = 'nest-sessions.tgz';

/** Resolves with 0, or the exit code of the first app whose tests failed. */
export async function testInApps() {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'nest-sessions-apps-')));
  try {
    await pack(folder);
    const exitCodes = [];
    for (const [name, title] of Object.entries(apps)) exitCodes.push(await testIn(join(folder, name), title));
    return exitCodes.find((exitCode) => exitCode !== 0) || 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function testIn(app, title) {
  await step(`Installing an app on ${title}`, () => install(app));
  console.error(`Testing the packed library on ${title} ...`);
  return npm(['test', '--silent', '--prefix', app]);
}

async function pack(folder) {
  await step('Packing the library', () =>
    npm(['pack', '--silent', '--pack-destination', folder, '-w', 'nest-sessions'], ['ignore', 'ignore', 2]),
  );
  const { version } = libraryManifest();
  renameSync(join(folder, `nest-sessions-${version}.tgz`), join(folder, packed));
}

/** Copies the suites too, so that they import the app's packages. */
function install(app) {
  const source = join(root, 'test/compat', basename(app));
  cpSync(source, app, { recursive: true });
  cpSync(join(root, 'test'), join(app, 'test'), {
    recursive: true,
    filter: (path) => basename(path) !== 'node_modules',
  });
  cpSync(join(root, 'jest.config.mjs'), join(app, 'jest.config.mjs'));
  cpSync(join(app, '..', packed), join(app, packed));
  writeFileSync(
    join(app, 'package-lock.json'),
    withLibrary(readFileSync(join(source, 'package-lock.json'), 'utf8')),
  );
  return npm([
    'ci',
    '--prefix',
    app,
    '--include=dev',
    '--ignore-scripts',
    '--prefer-offline',
    '--loglevel=error',
  ]);
}

/** The lock file with the library's current dependencies, so that npm refuses a lock file that does not satisfy them. */
function withLibrary(lock) {
  const { version, dependencies, peerDependencies } = libraryManifest();
  const parsed = JSON.parse(lock);
  const entry = parsed.packages['node_modules/nest-sessions'];
  delete entry.integrity;
  Object.assign(entry, { version, dependencies, peerDependencies });
  return JSON.stringify(parsed);
}

function libraryManifest() {
  return JSON.parse(readFileSync(join(root, 'libs/sessions/package.json'), 'utf8'));
}
