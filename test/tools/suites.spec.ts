import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');
const TESTS = join(ROOT, 'test');
const IMPORT = /\b(?:from|import|import\()\s*'(\.[^']+)'/g;
const STARTED = /\b(?:spawn|spawnSync|execFile|execFileSync)\(\s*'([^']+)'/g;

/** Programs that every Unix has, or that come with npm. */
const EVERYWHERE = ['chown', 'cp', 'mkfifo', 'mknod', 'npm', 'npx', 'rm', 'sh', 'umount'];

/** Patterns that show what a file needs. */
const SIGNS: Record<string, RegExp> = {
  Linux: /\/proc\/(?:self|sys|\$)|\/dev\/full|\| script -|'(?:mknod|mount|prlimit)'/,
  root: /\bl?chown(?:Sync)?\(|'(?:chattr|mknod|mount|unshare)'/,
  'npm registry': /\bnpm\('install'/,
  bash: /'bash'/,
  chattr: started('chattr'),
  chromium: /\bchromium\.launch\(/,
  // The reference app runs it to speak.
  'espeak-ng': /\bfetch\('\/speech'|name: 'Speak'/,
  fsfreeze: started('fsfreeze'),
  git: started('git'),
  haproxy: started('haproxy'),
  'mkfs.ext4': started('mkfs.ext4'),
  mount: /\b(?:spawn|spawnSync|execFile|execFileSync|run)\(\s*'mount'|`mount --bind /,
  nginx: started('nginx'),
  openssl: started('openssl'),
  prlimit: started('prlimit'),
  prometheus: started('prometheus'),
  promtool: started('promtool'),
  'redis-server': started('redis-server'),
  script: /\| script -|spawn\('script'/,
  soxi: started('soxi'),
  unshare: /'unshare'/,
  zsh: started('zsh'),
};

function started(program: string): RegExp {
  return new RegExp(String.raw`\b(?:spawn|spawnSync|execFile|execFileSync|run)\(\s*'${program}'`);
}

const { programs, suites } = JSON.parse(readFileSync(join(ROOT, 'tools/suites.json'), 'utf8')) as {
  programs: Record<string, string>;
  suites: Record<string, string[]>;
};
const files = readdirSync(TESTS, { recursive: true, encoding: 'utf8' })
  .filter(
    (path) => /\.(?:ts|mjs)$/.test(path) && !path.startsWith('bench/') && path !== 'tools/suites.spec.ts',
  )
  .toSorted();
const texts = new Map(files.map((path) => [path, readFileSync(join(TESTS, path), 'utf8')]));

/** A suite with all its imports. The short campaigns run in their own process, so all their files count. */
function filesOf(suite: string): Set<string> {
  const found = new Set([suite]);
  if (suite === 'torture/short.spec.ts')
    for (const path of files) if (path.startsWith('torture/')) found.add(path);
  for (const path of found) {
    for (const [, specifier = ''] of (texts.get(path) ?? '').matchAll(IMPORT)) {
      const target = relative(TESTS, resolve(TESTS, dirname(path), specifier));
      const file = [target, target.replace(/\.js$/, '.ts')].find((name) => texts.has(name));
      if (file !== undefined) found.add(file);
    }
  }
  return found;
}

function needsOf(suite: string): string[] {
  const parts = [...filesOf(suite)].map((path) => texts.get(path) ?? '');
  return Object.keys(SIGNS)
    .filter((need) => parts.some((text) => SIGNS[need]?.test(text)))
    .toSorted();
}

describe('what the test files need', () => {
  it('equals tools/suites.json', () => {
    const needing = files
      .filter((path) => path.endsWith('.spec.ts'))
      .map((suite) => [suite, needsOf(suite)] as const)
      .filter(([, needs]) => needs.length > 0);
    const listed = Object.entries(suites).map(([suite, needs]) => [suite, needs.toSorted()]);
    expect(Object.fromEntries(listed)).toEqual(Object.fromEntries(needing));
  });

  it('can be checked on the machine', () => {
    const onMachine = [...Object.keys(programs), 'Linux', 'root', 'npm registry'];
    expect(onMachine.toSorted()).toEqual(Object.keys(SIGNS).toSorted());
  });

  it('is known for every program that they start', () => {
    const known = new Set([...Object.keys(SIGNS), ...EVERYWHERE]);
    const unknown = [...texts].flatMap(([path, text]) =>
      [...text.matchAll(STARTED)]
        .filter(([, program = '']) => !known.has(program))
        .map(([, program]) => `${path} starts ${program}`),
    );
    expect(unknown).toEqual([]);
  });
});
