import { randomUUID } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CampaignContext } from '../campaign.ts';
import { runApp, runCli, type Outcome } from './programs.ts';

const APP_REFUSES = 1;
const CLI_REFUSES = 5;
const SOMEBODY = 12_345;

interface DangerousRoot {
  readonly name: string;
  /** The folder, made in `base`; `home` and `cwd` are those of the program. */
  readonly make: (base: string, home: string, cwd: string) => string;
  /** What the refusal says of it. */
  readonly says: RegExp;
}

const ROOTS: readonly DangerousRoot[] = [
  { name: 'the root of the file system', make: () => '/', says: /root of the file system/ },
  { name: 'the home folder', make: (_base, home) => home, says: /home folder/ },
  { name: 'the working directory', make: (_base, _home, cwd) => cwd, says: /working directory/ },
  { name: '/tmp', make: () => '/tmp', says: /temporary files/ },
  {
    name: 'a link to a good folder',
    make: (base) => {
      mkdirSync(join(base, 'good'), { mode: 0o700 });
      symlinkSync(join(base, 'good'), join(base, 'link'));
      return join(base, 'link');
    },
    says: /symbolic link/,
  },
  {
    name: 'a link to nothing',
    make: (base) => {
      symlinkSync(join(base, 'nothing'), join(base, 'link'));
      return join(base, 'link');
    },
    says: /symbolic link/,
  },
  {
    name: "another user's folder",
    make: (base) => {
      const folder = makeFolder(base, 0o700);
      chownSync(folder, SOMEBODY, SOMEBODY);
      return folder;
    },
    says: /another user/,
  },
  {
    name: 'a folder that all users share',
    make: (base) => makeFolder(base, 0o1777),
    says: /temporary files/,
  },
  {
    name: 'a folder with foreign files',
    make: (base) => {
      const folder = makeFolder(base, 0o700);
      writeFileSync(join(folder, 'thesis.odt'), 'years of work');
      return folder;
    },
    says: /no marker/,
  },
  {
    name: 'a folder with a foreign tree that looks like ours',
    make: (base) => {
      const folder = makeFolder(base, 0o700);
      const id = randomUUID().replaceAll('-', '');
      mkdirSync(join(folder, 's', id.slice(0, 2), id), { recursive: true });
      writeFileSync(join(folder, 's', id.slice(0, 2), id, id), 'precious');
      return folder;
    },
    says: /no marker/,
  },
  {
    name: 'a folder with a broken marker',
    make: (base) => {
      const folder = makeFolder(base, 0o700);
      writeFileSync(join(folder, '.nest-sessions.json'), '{"format":1,');
      return folder;
    },
    says: /marker/,
  },
  {
    name: 'a file',
    make: (base) => {
      writeFileSync(join(base, 'file'), 'no folder');
      return join(base, 'file');
    },
    says: /not a folder/,
  },
];

/** The app and the command line on folders that are no place to delete files in: both refuse, say why, and leave no trace. */
export async function startInDangerousRoots(
  { random, violation, note }: CampaignContext,
  base: string,
  most: number,
): Promise<void> {
  const chosen = ROOTS.map((root) => ({ root, order: random() }))
    .toSorted((one, other) => one.order - other.order)
    .slice(0, most)
    .map(({ root }) => root);
  for (const root of chosen) {
    const place = join(base, `root-${randomUUID()}`);
    const [home, cwd] = [join(place, 'home'), join(place, 'cwd')];
    for (const folder of [home, cwd]) mkdirSync(folder, { recursive: true, mode: 0o700 });
    const path = root.make(place, home, cwd);
    // Others use /tmp, too: there, only what is named like ours counts.
    const look = () =>
      [...namesBelow(place), ...readdirSync('/'), ...readdirSync('/tmp').filter(isOurs)].join('\n');
    const before = look();
    const [app, cli] = await Promise.all([runApp(path, cwd, home), runCli(['cleanup'], path, cwd, home)]);
    judge('the app', app, APP_REFUSES, root, violation);
    judge('the command line', cli, CLI_REFUSES, root, violation);
    if (look() !== before) violation(`${root.name}: the refusal left something behind`);
  }
  note(`${chosen.length} dangerous roots refused by the app and by the command line`);
}

function judge(
  who: string,
  { code, output }: Outcome,
  expected: number,
  { name, says }: DangerousRoot,
  violation: (message: string) => void,
): void {
  if (code !== expected) violation(`${name}: ${who} exits with ${code}: ${output.slice(0, 300)}`);
  else if (!says.test(output)) violation(`${name}: ${who} does not say why: ${output.slice(0, 300)}`);
  if (/^\s+at /m.test(output)) violation(`${name}: ${who} shows a stack`);
}

function makeFolder(base: string, mode: number): string {
  const folder = join(base, 'folder');
  mkdirSync(folder);
  chmodSync(folder, mode);
  return folder;
}

function namesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted();
}

function isOurs(name: string): boolean {
  return (
    name.startsWith('sessions.db') ||
    name.startsWith('.nest-sessions') ||
    ['s', 'trash', 'tmp', 'claims'].includes(name) ||
    /^beacons(\/[0-9a-f]{32}-[0-9a-f]{16})?$/.test(name)
  );
}
