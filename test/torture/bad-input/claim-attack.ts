import { mkdtempSync, readlinkSync } from 'node:fs';
import { mkdir, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Session } from 'nest-sessions';
import type { CampaignContext } from '../campaign.ts';
import { Calls } from './calls.ts';
import { NASTY_FILE_NAMES } from './cases/file-names.ts';
import { NO_VALUES, shown } from './cases/no-values.ts';
import { Chance } from './chance.ts';
import { mutate } from './mutation.ts';
import { SmallCore } from './small-core.ts';

const CONTENTS = 'claimed';
const LENT = /^[0-9a-f]{32}-[0-9a-f]{32}\.[0-9a-z]{2,4}$/;

/**
 * Paths that no file should be claimed to, names that it may have, and work that is none. A file is claimed to one new path in the folder
 * that is allowed, or stays where it is: nothing else changes, anywhere.
 */
export class ClaimAttack {
  readonly #context: CampaignContext;
  readonly #chance: Chance;
  readonly #calls: Calls;
  readonly #base: string;
  /** The one that files may be claimed to. */
  readonly #allowed: string;

  constructor(context: CampaignContext) {
    this.#context = context;
    this.#chance = new Chance(context.random);
    this.#calls = new Calls(context);
    this.#base = mkdtempSync(join(tmpdir(), 'nest-sessions-torture-'));
    this.#allowed = join(this.#base, 'allowed');
  }

  async run(names: number): Promise<number> {
    const small = await SmallCore.start({ claimTo: [this.#allowed], maxResources: 5 });
    try {
      await this.#furnish(small);
      const { session } = await small.open();
      await this.#wrongValues(small, session);
      for (const path of this.#badPaths(small)) await this.#claim(small, session, path, 'never');
      for (const path of this.#goodPaths()) await this.#claim(small, session, path, 'always');
      for (let number = 0; number < names; number += 1) {
        const name = NASTY_FILE_NAMES[number] ?? mutate(this.#chance.pick(NASTY_FILE_NAMES), this.#chance);
        await this.#claim(small, session, `${this.#allowed}/${name}`, 'perhaps');
        await this.#lend(small, session, name);
      }
      for (const { job, lastError } of await small.core.cleanup.runAll())
        if (lastError !== null) this.#fault(`the cleanup of ${job} fails afterwards: ${lastError}`);
    } finally {
      await small.destroy();
      await rm(this.#base, { recursive: true, force: true });
    }
    return this.#calls.tried;
  }

  /** What the paths below lead to. */
  async #furnish(small: SmallCore): Promise<void> {
    for (const folder of ['allowed', 'allowed/folder', 'allowed/empty', 'allowed-not', 'outside'])
      await mkdir(join(this.#base, folder));
    const files = ['allowed/file', 'allowed/folder/file', 'outside/file'];
    for (const file of files) await writeFile(join(this.#base, file), 'precious');
    const links: Readonly<Record<string, string>> = {
      out: join(this.#base, 'outside'),
      up: '..',
      dangling: 'nowhere',
      loop: 'loop',
      'to-file': 'file',
      storage: small.root,
      devices: '/dev',
    };
    for (const [name, target] of Object.entries(links)) await symlink(target, join(this.#allowed, name));
  }

  #badPaths(small: SmallCore): readonly string[] {
    const inside = [
      '',
      '.',
      '..',
      '/',
      '../allowed-not/x',
      '../outside/x',
      '../x',
      'folder/../x',
      'folder/..',
      'folder/.',
      'folder/',
      'x/',
      'file',
      'folder',
      'empty',
      'dangling',
      'loop',
      'to-file',
      'out',
      'file/x',
      'to-file/x',
      'dangling/x',
      'loop/x',
      'out/x',
      'out/file',
      'up/x',
      'up/allowed-not/x',
      'storage/x',
      'storage/tmp/x',
      'storage/claims/x',
      'storage/sessions.db',
      'devices/x',
      'devices/null',
      'missing/x',
      '\0',
      'x\0',
      'x\0/../y',
      'folder\0/x',
      '..\\x',
      'folder\\..\\x',
      'x'.repeat(256),
      'ä'.repeat(128),
      'x'.repeat(5000),
      'x/'.repeat(5000) + 'x',
      '../'.repeat(2000) + 'etc/x',
    ].map((name) => `${this.#allowed}/${name}`);
    const outside = [
      '',
      ' ',
      'x',
      './x',
      '../x',
      '/',
      '/x',
      '/etc/passwd',
      '/dev/null',
      '/dev/shm/x',
      '/proc/self/x',
      '/tmp',
      this.#base,
      this.#allowed,
      `${this.#base}/x`,
      `${this.#base}/allowed-not/x`,
      `${this.#allowed}x`,
      small.root,
      `${small.root}/x`,
      small.database,
      join(small.root, 'tmp', 'x'),
      `\0${this.#allowed}/x`,
      ` ${this.#allowed}/x`,
      `~${this.#allowed}/x`,
      `file://${this.#allowed}/x`,
      String(pathToFileURL(`${this.#allowed}/x`)),
      encodeURIComponent(`${this.#allowed}/x`),
    ];
    return [...inside, ...outside];
  }

  #goodPaths(): readonly string[] {
    const allowed = this.#allowed;
    return [
      `${allowed}/x`,
      `${allowed}//x`,
      `${allowed}/./x`,
      `${allowed}/${'./'.repeat(3000)}x`,
      `${allowed}/folder/x`,
      `${allowed}/${'x'.repeat(255)}`,
      `${allowed}/${'ä'.repeat(127)}`,
      `${allowed}/...`,
      `${allowed}/..x`,
      `${allowed}/ `,
      `${allowed}/x\n`,
      `${allowed}/-rf`,
      `${allowed}/\ud800`,
      `${allowed}/.${'0'.repeat(32)}.claim`,
      `${allowed}/.nest-sessions.json`,
      relative(process.cwd(), join(allowed, 'x')).replace(/^(?!\.)/, `.${sep}`),
    ].filter((path) => !path.startsWith(`..${sep}`));
  }

  async #claim(small: SmallCore, session: Session, path: string, mayBe: 'never' | 'always' | 'perhaps') {
    const told = `claim to ${JSON.stringify(path.slice(0, 150))}`;
    const id = await small.write(session, CONTENTS);
    const before = await this.#look();
    const isClaimed = await this.#calls.attempt(told, () => small.service.claim({ id }, path));
    const after = await this.#look();
    const fresh = [...after.keys()].filter((name) => !before.has(name));
    for (const [name, what] of before) if (after.get(name) !== what) this.#fault(`${told} changed ${name}`);
    const held = await small.service.findResource(session, id);
    if (isClaimed && mayBe === 'never') this.#fault(`${told} is let through`);
    if (!isClaimed && mayBe === 'always') this.#fault(`${told} is refused`);
    if (isClaimed === (held !== null))
      this.#fault(`${told}: claimed ${isClaimed}, and held ${held !== null}`);
    if (fresh.length !== (isClaimed ? 1 : 0)) this.#fault(`${told} made ${JSON.stringify(fresh)}`);
    for (const name of fresh) {
      if (!name.startsWith('allowed/') || after.get(name) !== CONTENTS) this.#fault(`${told} made ${name}`);
      await rm(join(this.#base, name), { recursive: true, force: true });
    }
    if (held) await small.service.release(held);
  }

  /** Whatever a client calls its file, its lent path has a name of ours. */
  async #lend(small: SmallCore, session: Session, name: string): Promise<void> {
    const told = `withFile of the media type ${JSON.stringify(name).slice(0, 100)}`;
    await this.#calls.attempt(told, async () => {
      const sink = await small.service.createFile(session, {
        type: 'audio_file',
        fileName: name,
        mediaType: name,
      });
      await new Promise((resolve, reject) => sink.once('error', reject).once('close', resolve).end(CONTENTS));
      await small.service.withFile(sink.resource, async (path) => {
        const file = relative(join(small.root, 'tmp'), path);
        if (!LENT.test(file)) this.#fault(`${told}: lent as ${JSON.stringify(path)}`);
        if ((await readFile(path, 'utf8')) !== CONTENTS) this.#fault(`${told}: other bytes were lent`);
      });
      await small.service.release(sink.resource);
    });
    const left = await readdir(join(small.root, 'tmp'));
    if (left.length > 0) this.#fault(`${told} left ${left.join()}`);
  }

  async #wrongValues(small: SmallCore, session: Session): Promise<void> {
    const { service } = small;
    const id = await small.write(session, CONTENTS);
    const target = join(this.#allowed, 'x');
    const calls: Record<string, (value: never) => unknown> = {
      claim: (value) => service.claim(value, target),
      'claim an id': (value) => service.claim({ id: value }, target),
      'claim of a session': (value) => service.claim({ id, sessionId: value }, join(this.#base, 'x')),
      'claim to': (value) => service.claim({ id }, value),
      withFile: (value) => service.withFile(value, () => undefined),
      'withFile for work': (value) => service.withFile({ id }, value),
      'withFile of a session': (value) => service.withFile({ id, sessionId: value }, () => undefined),
      'openResource of a session': async (value) =>
        (await service.openResource({ id, sessionId: value })).stream.destroy(),
      'withFile of an id': (value) => service.withFile({ id: value }, () => undefined),
    };
    for (const [name, call] of Object.entries(calls)) {
      for (const value of NO_VALUES)
        await this.#calls.attempt(`${name}(${shown(value)})`, () => call(value as never));
    }
    if (!(await service.findResource(session, id))) this.#fault('a claim of no value took a file');
    const names = await readdir(this.#allowed);
    if (names.includes('x')) this.#fault('a claim of no value made a file');
    await service.release({ id });
  }

  /** All that lies beside and in the folder, by its path: what it holds. */
  async #look(below = ''): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for (const entry of await readdir(join(this.#base, below), { withFileTypes: true })) {
      const name = join(below, entry.name);
      const path = join(this.#base, name);
      if (entry.isSymbolicLink()) found.set(name, `-> ${readlinkSync(path)}`);
      else if (entry.isDirectory()) {
        found.set(name, 'folder');
        for (const [deeper, what] of await this.#look(name)) found.set(deeper, what);
      } else found.set(name, await readFile(path, 'utf8'));
    }
    return found;
  }

  #fault(what: string): void {
    this.#context.violation(what);
  }
}
