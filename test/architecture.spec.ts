import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..');
const LIBRARY = join(ROOT, 'libs/sessions/src');

interface SourceFile {
  /** Relative to its tree: `core/endings/ender.ts`. */
  readonly path: string;
  readonly layer: string;
  readonly text: string;
  /** Files of the tree that it imports; the layers they are in; packages. */
  readonly targets: readonly string[];
  readonly layers: readonly string[];
  readonly packages: readonly string[];
}

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\b[^'";]*?from\s*'([^']+)'|(?:^|\n)\s*import\s*'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/g;

function readTree(root: string): SourceFile[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => {
      const text = readFileSync(join(root, path), 'utf8');
      const specifiers = [...text.matchAll(IMPORT)].map((match) => (match[1] ?? match[2] ?? match[3])!);
      const targets = specifiers
        .filter((specifier) => specifier.startsWith('.'))
        .map((specifier) => relative(root, resolve(root, dirname(path), specifier)));
      return {
        path,
        layer: layerOf(path),
        text,
        targets,
        layers: targets.map(layerOf),
        packages: specifiers.filter((specifier) => !specifier.startsWith('.')).map(packageOf),
      };
    });
}

/** Of the subpath `testing`, one room alone knows Nest. */
const TESTING_NEST = 'testing/nest';

function layerOf(path: string): string {
  if (path.startsWith(`${TESTING_NEST}/`)) return TESTING_NEST;
  return path.includes('/') ? path.split('/')[0]! : 'public';
}

/** `@nestjs/common/internal` is `@nestjs/common`; what is inside Node is told apart by its prefix. */
function packageOf(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

const library = readTree(LIBRARY);
const app = readTree(join(ROOT, 'src'));
const NODE = /^node:/;
const NEST = ['@nestjs/common', '@nestjs/core', 'rxjs', 'reflect-metadata'];

/**
 * Which layers a layer may import from, beside itself, and which packages. `index.ts` at the top may import all; nothing but
 * it imports `nest`.
 */
const RULES: Record<string, { layers: string[]; packages: (string | RegExp)[] }> = {
  domain: { layers: [], packages: [] },
  // Streams and buffers are Node's words for what storage moves: their types are part of the promise.
  ports: { layers: ['domain'], packages: ['node:stream'] },
  core: { layers: ['domain', 'ports'], packages: [NODE, 'class-validator', 'ipaddr.js', 'lru-cache'] },
  stores: { layers: ['domain', 'ports'], packages: [NODE, 'redis'] },
  redis: { layers: ['stores'], packages: [] },
  store: { layers: ['domain', 'ports'], packages: [] },
  storage: { layers: ['domain', 'ports'], packages: [NODE] },
  testing: { layers: ['domain', 'ports', 'stores', 'storage', TESTING_NEST], packages: [NODE] },
  [TESTING_NEST]: { layers: ['domain', 'ports', 'core', 'http'], packages: NEST },
  assembly: { layers: ['domain', 'ports', 'core', 'stores', 'storage'], packages: [NODE] },
  http: {
    layers: ['domain', 'ports', 'core'],
    packages: [
      NODE,
      ...NEST,
      '@fastify/busboy',
      'content-disposition',
      'cookie',
      'file-type',
      'proxy-addr',
      'range-parser',
    ],
  },
  operate: {
    layers: ['domain', 'ports', 'core'],
    packages: [NODE, 'class-validator'],
  },
  nest: {
    layers: ['domain', 'ports', 'core', 'http', 'assembly'],
    packages: [NODE, ...NEST, '@nestjs/schedule'],
  },
  admin: {
    layers: ['domain', 'ports', 'core', 'http', 'operate'],
    packages: [NODE, ...NEST],
  },
  throttler: {
    layers: ['domain', 'ports', 'core', 'http'],
    packages: [...NEST, '@nestjs/throttler'],
  },
  cli: {
    layers: ['domain', 'ports', 'core', 'operate', 'assembly'],
    packages: [NODE, ...NEST, 'nest-commander', 'cli-table3', 'cli-progress', 'pretty-bytes', 'tough-cookie'],
  },
  health: {
    layers: ['domain', 'ports', 'core', 'http', 'operate'],
    packages: [NODE, ...NEST, '@nestjs/terminus'],
  },
  metrics: {
    layers: ['domain', 'ports', 'core', 'http', 'operate'],
    packages: [NODE, ...NEST, 'prom-client'],
  },
  ws: {
    layers: ['domain', 'ports', 'core', 'http'],
    packages: [NODE, ...NEST, '@nestjs/websockets', '@nestjs/platform-ws', 'ws', 'proxy-addr'],
  },
  socketio: {
    layers: ['domain', 'ports', 'core', 'http'],
    packages: [NODE, ...NEST, '@nestjs/platform-socket.io', 'socket.io'],
  },
};

/** So many files one looks through at a glance. */
const MOST_FILES_OF_A_FOLDER = 14;

function isAllowed(name: string, allowed: readonly (string | RegExp)[]): boolean {
  return allowed.some((one) => (typeof one === 'string' ? one === name : one.test(name)));
}

describe('imports in the library point inwards', () => {
  it('every folder has its rule', () => {
    const layers = new Set(library.map(({ layer }) => layer));
    layers.delete('public');
    expect([...layers].filter((layer) => !(layer in RULES))).toEqual([]);
    expect(layers.size).toBeGreaterThan(8);
  });

  it.each(Object.entries(RULES))('%s imports only what it may', (layer, rule) => {
    const files = library.filter((file) => file.layer === layer);
    const offences = files.flatMap((file) => [
      ...file.layers
        .filter((target) => target !== layer && !rule.layers.includes(target))
        .map((target) => `${file.path} imports from ${target}`),
      ...file.packages
        .filter((name) => !isAllowed(name, rule.packages))
        .map((name) => `${file.path} imports ${name}`),
    ]);
    expect(offences).toEqual([]);
  });

  it('class-validator is loaded where values are checked, and nowhere else', () => {
    const loading = library.filter(({ text }) =>
      /(?:^|\n)import (?!type\b)[^;]*'class-validator'/.test(text),
    );
    expect(loading.map(({ path }) => path).toSorted()).toEqual([
      'core/config/config.ts',
      'operate/bulk/bulk.query.ts',
      'operate/lists/page-query.ts',
      'operate/lists/session-filter.query.ts',
      'operate/lists/session-list.query.ts',
      'operate/trends/trends.query.ts',
    ]);
  });

  it('ports take nothing but types from Node', () => {
    const values = library
      .filter(({ layer }) => layer === 'ports')
      .filter(({ text }) => /(?:^|\n)import (?!type\b)[^;]*'node:/.test(text));
    expect(values.map(({ path }) => path)).toEqual([]);
  });

  it('one store or storage knows nothing of another', () => {
    const offences = library
      .filter(({ layer }) => layer === 'stores' || layer === 'storage')
      .flatMap(({ path, targets }) => {
        const own = path.split('/').slice(0, 2).join('/');
        return targets
          .filter((target) => /^(stores|storage)\/[^/]+\//.test(target) && !target.startsWith(`${own}/`))
          .map((target) => `${path} imports ${target}`);
      });
    expect(offences).toEqual([]);
  });
});

describe('rooms', () => {
  it('no folder holds more files than one looks through at a glance', () => {
    const files = new Map<string, number>();
    for (const { path } of library) files.set(dirname(path), (files.get(dirname(path)) ?? 0) + 1);
    expect([...files].filter(([, count]) => count > MOST_FILES_OF_A_FOLDER)).toEqual([]);
  });

  it('no room imports, by whatever way, from one that imports from it', () => {
    const arrows = new Map<string, Set<string>>();
    for (const { path, targets } of library) {
      const room = dirname(path);
      const others = targets.map((target) => dirname(target)).filter((target) => target !== room);
      arrows.set(room, new Set([...(arrows.get(room) ?? []), ...others]));
    }
    // What imports nothing that is still there goes, again and again: what remains lies on a circle, or above one.
    for (let before = -1; before !== arrows.size;) {
      before = arrows.size;
      for (const [room, targets] of arrows) {
        if (![...targets].some((target) => arrows.has(target))) arrows.delete(room);
      }
    }
    expect([...arrows.keys()]).toEqual([]);
  });
});

describe('optional packages', () => {
  const { peerDependenciesMeta } = JSON.parse(
    readFileSync(join(ROOT, 'libs/sessions/package.json'), 'utf8'),
  ) as { peerDependenciesMeta: Record<string, { optional: boolean }> };
  const OWNERS: Record<string, string> = {
    '@nestjs/platform-socket.io': 'socketio',
    '@nestjs/platform-ws': 'ws',
    '@nestjs/websockets': 'ws',
    'socket.io': 'socketio',
    ws: 'ws',
    '@nestjs/terminus': 'health',
    'nest-commander': 'cli',
    '@nestjs/throttler': 'throttler',
    'prom-client': 'metrics',
    'tough-cookie': 'cli/replay',
    redis: 'stores/redis',
  };

  it('each is imported by its own subpath alone', () => {
    expect(Object.keys(OWNERS).toSorted()).toEqual(Object.keys(peerDependenciesMeta).toSorted());
    const offences = library.flatMap(({ path, packages }) =>
      packages
        .filter((name) => name in OWNERS && !path.startsWith(`${OWNERS[name]}/`))
        .map((name) => `${path} imports ${name}`),
    );
    expect(offences).toEqual([]);
  });

  it('no layer of the main entry reaches into a subpath', () => {
    const subpaths = new Set([
      'admin',
      'cli',
      'health',
      'metrics',
      'redis',
      'socketio',
      'store',
      'ws',
      'testing',
    ]);
    const offences = library
      .filter(({ layer }) => !subpaths.has(layer))
      .flatMap(({ path, layers }) =>
        layers.filter((one) => subpaths.has(one)).map((one) => `${path}: ${one}`),
      );
    expect(offences).toEqual([]);
  });
});

describe('deleting files', () => {
  const DELETES = /\b(?:unlink|unlinkSync|rm|rmSync|rmdir|rmdirSync|rename|renameSync)\b\s*[(,}]/;

  it('is done in storage/ alone, and by the SQLite store to its own files', () => {
    const offences = library
      .filter(({ path }) => !path.startsWith('storage/') && !path.startsWith('stores/sqlite/'))
      .filter(({ packages }) => packages.some((name) => name === 'node:fs' || name === 'node:fs/promises'))
      .filter(({ text }) => DELETES.test(text))
      .map(({ path }) => path);
    expect(offences).toEqual([]);
  });

  it('the rule sees what storage does', () => {
    const deleting = library.filter(({ path, text }) => path.startsWith('storage/') && DELETES.test(text));
    expect(deleting.length).toBeGreaterThan(0);
  });
});

describe('chance', () => {
  it('that could be foretold is nowhere but in the pauses between two tries to connect', () => {
    const users = library.filter(({ text }) => /\bMath\.random\b/.test(text)).map(({ path }) => path);
    expect(users).toEqual(['stores/redis/connection/jitter.ts']);
  });
});

describe('the reference app', () => {
  it('uses the library as any app does: by its name and subpaths', () => {
    const outside = app.flatMap(({ path, text }) =>
      [...text.matchAll(IMPORT)]
        .map((match) => match[1] ?? match[2] ?? match[3] ?? '')
        .filter((specifier) => specifier.includes('libs/sessions') || specifier.startsWith('#sessions'))
        .map((specifier) => `${path} imports ${specifier}`),
    );
    expect(outside).toEqual([]);
    const entries = new Set(
      app
        .flatMap(({ text }) => [...text.matchAll(IMPORT)].map((match) => match[1] ?? ''))
        .filter((name) => name.startsWith('nest-sessions')),
    );
    expect([...entries].toSorted()).toEqual([
      'nest-sessions',
      'nest-sessions/admin',
      'nest-sessions/health',
      'nest-sessions/metrics',
      'nest-sessions/ws',
    ]);
  });

  it('deletes no file itself: it reads those of its page, and touches no others', () => {
    const users = app.filter(({ packages }) => packages.some((name) => name.startsWith('node:fs')));
    expect(users.map(({ path }) => path)).toEqual(['page/page.controller.ts']);
    expect(users[0]?.text).toContain("import { readFileSync, readdirSync } from 'node:fs';");
  });
});
