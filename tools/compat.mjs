// Packs the library and tests it in two apps outside this workspace: on the oldest supported Nest 11, in CommonJS, and on
// Nest 12, in ESM, as `nest new` sets it up.
import { cpSync, mkdtempSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { ignoring } from './jest.mjs';
import { npm, root, step } from './process.mjs';

/** The apps in test/compat, with the options by which their test program leaves test files out. */
const apps = {
  nest11: { title: 'Nest 11, in CommonJS', options: ignoring },
  'nest12-vitest': { title: 'Nest 12, in ESM', options: () => [] },
};
const packed = 'nest-sessions.tgz';

/** Resolves with 0, or the exit code of the first app whose tests failed. Leaves out the test files of `leftOut`. */
export function testInApps(leftOut) {
  return withPackedLibrary(async (folder) => {
    const exitCodes = [];
    for (const [name, { title, options }] of Object.entries(apps)) {
      const app = makeApp(folder, name);
      await step(`Installing an app on ${title}`, () => npm(['ci', '--include=dev', ...inApp(app)]));
      console.error(`Testing the packed library on ${title} ...`);
      exitCodes.push(await npm(['test', '--silent', '--prefix', app, '--', ...options(leftOut)]));
    }
    return exitCodes.find((exitCode) => exitCode !== 0) || 0;
  });
}

/** Writes the lock files anew, after a change of dependencies of an app or of the library. */
export function lockApps() {
  return withPackedLibrary(async (folder) => {
    for (const name of Object.keys(apps)) {
      const app = makeApp(folder, name);
      const args = ['install', '--package-lock-only', '--omit-lockfile-registry-resolved', ...inApp(app)];
      await step(`Locking ${name}`, () => npm(args));
      const lock = withLibrary(join(app, 'package-lock.json'));
      writeFileSync(join(root, 'test/compat', name, 'package-lock.json'), lock);
    }
    return 0;
  });
}

async function withPackedLibrary(work) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'nest-sessions-apps-')));
  try {
    const args = ['pack', '--silent', '--pack-destination', folder, '-w', 'nest-sessions'];
    await step('Packing the library', () => npm(args, ['ignore', 'ignore', 2]));
    renameSync(join(folder, `nest-sessions-${libraryManifest().version}.tgz`), join(folder, packed));
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Copies the suites too, so that they import the app's packages. */
function makeApp(folder, name) {
  const app = join(folder, name);
  const isOurs = (path) => basename(path) !== 'node_modules';
  cpSync(join(root, 'test/compat', name), app, { recursive: true });
  cpSync(join(root, 'test'), join(app, 'test'), { recursive: true, filter: isOurs });
  // jest's configuration and its order; and suites read what the pages show.
  for (const shown of ['jest.config.mjs', 'tools/test-order.mjs', 'README.md', 'docs']) {
    cpSync(join(root, shown), join(app, shown), { recursive: true });
  }
  cpSync(join(folder, packed), join(app, packed));
  writeFileSync(join(app, 'package-lock.json'), withLibrary(join(app, 'package-lock.json')));
  return app;
}

function inApp(app) {
  return ['--prefix', app, '--ignore-scripts', '--prefer-offline', '--loglevel=error'];
}

/**
 * The lock file with the library's current dependencies, so that npm refuses a lock file that does not satisfy them, and
 * without a hash of the library, since each tarball has another.
 */
function withLibrary(lockFile) {
  const lock = JSON.parse(readFileSync(lockFile, 'utf8'));
  const { version, dependencies, peerDependencies } = libraryManifest();
  const entry = lock.packages['node_modules/nest-sessions'];
  Object.assign(entry, { version, dependencies, peerDependencies });
  delete entry.integrity;
  return `${JSON.stringify(lock, null, 2)}\n`;
}

function libraryManifest() {
  return JSON.parse(readFileSync(join(root, 'libs/sessions/package.json'), 'utf8'));
}
