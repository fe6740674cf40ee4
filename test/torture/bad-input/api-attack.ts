import { link, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileSink, ResourceRecord, Session } from 'nest-sessions';
import { dispositionOf, safeMediaType } from '#sessions/http/download/download-headers';
import { planDownload } from '#sessions/http/download/download-options';
import type { CampaignContext } from '../campaign.ts';
import { Calls } from './calls.ts';
import { NASTY_FILE_NAMES } from './cases/file-names.ts';
import { NO_VALUES, shown } from './cases/no-values.ts';
import { Chance } from './chance.ts';
import { mutate } from './mutation.ts';
import { CLIENT, SmallCore } from './small-core.ts';

const OUR_FILE =
  /^(?:sessions\.db(?:-wal|-shm)?|\.gitignore|\.nest-sessions\.json|trash|claims|tmp|beacons(?:\/[0-9a-f]{32}-[0-9a-f]{16})?|s|s\/[0-9a-f]{2}(?:\/[0-9a-f]{32}(?:\/[0-9a-f]{32})?)?)$/;
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
/** What a file name keeps of it: emoji of several code points, and the joiners of letters. */
const JOINED = /\p{RGI_Emoji}|[\u200C\u200D]/gv;
const HEADER = /^[\t\x20-\x7e]+$/;

/** Errors of who calls the service: each is one of the package's own, with a code, or an answer. */
export class ApiAttack {
  readonly #context: CampaignContext;
  readonly #chance: Chance;
  readonly #calls: Calls;

  constructor(context: CampaignContext) {
    this.#context = context;
    this.#chance = new Chance(context.random);
    this.#calls = new Calls(context);
  }

  async run(fileNames: number): Promise<number> {
    const small = await SmallCore.start({ maxResources: 5, adoptFrom: ['/tmp'] });
    try {
      await this.#wrongValues(small);
      await this.#wrongMoments(small);
      await this.#adoptions(small);
      await this.#fileNames(small, fileNames);
      await this.#afterTheEnd(small);
    } finally {
      await small.destroy();
    }
    return this.#calls.tried;
  }

  async #wrongValues(small: SmallCore): Promise<void> {
    const { service } = small;
    const { session } = await small.open();
    const calls: Record<string, (value: never) => unknown> = {
      identify: (value) => service.identify(value, CLIENT),
      'login as': (value) => service.login(session, value),
      'login with options': (value) => service.login(session, 'u', { ifTaken: value, keep: value }),
      login: (value) => service.login(Object.assign(Object.create(session) as Session, { id: value }), 'u'),
      listByUser: (value) => service.listByUser(value),
      endAllOf: (value) => service.endAllOf(value),
      'endOneOf a user': (value) => service.endOneOf(value, session.id),
      'endOneOf an id': (value) => service.endOneOf('u', value),
      describe: (value) => service.describe(value),
      'describe an id': (value) => service.describe({ id: value }),
      end: (value) => service.end(value),
      'end an id': (value) => service.end({ id: value }),
      findResource: (value) => service.findResource(session, value),
      openResource: (value) => service.openResource(value),
      'openResource an id': (value) => service.openResource({ id: value }),
      release: (value) => service.release(value),
      'release an id': (value) => service.release({ id: value }),
      'createFile of a session': (value) => this.#given(service.createFile(value, { type: 'audio_file' })),
      'createFile of an id': (value) =>
        this.#given(service.createFile({ id: value }, { type: 'audio_file' })),
      createFile: (value) => this.#given(service.createFile(session, value)),
      'createFile of a type': (value) => this.#given(service.createFile(session, { type: value })),
      'createFile with a name': (value) =>
        this.#given(service.createFile(session, { type: 'audio_file', fileName: value })),
      'createFile with a purpose': (value) =>
        this.#given(service.createFile(session, { type: 'audio_file', purpose: value })),
      'createFile with a media type': (value) =>
        this.#given(service.createFile(session, { type: 'audio_file', mediaType: value })),
      createTempFile: (value) => this.#given(service.createTempFile(session, value)),
      adoptFile: (value) => service.adoptFile(session, value, { type: 'audio_file' }),
      'trackStream of an id': (value) => service.trackStream({ id: value }, { close: () => undefined }),
      regenerate: (value) =>
        service.regenerate(Object.assign(Object.create(session) as Session, { id: value })),
      touch: (value) => service.touch({ id: value }),
    };
    for (const [name, call] of Object.entries(calls)) {
      for (const value of NO_VALUES)
        await this.#calls.attempt(`${name}(${shown(value)})`, () => call(value as never));
    }
    await service.end(session);
  }

  async #wrongMoments(small: SmallCore): Promise<void> {
    const { service } = small;
    const { session } = await small.open();
    const id = await small.write(session, 'x');
    const resource = (await service.findResource(session, id)) as ResourceRecord;
    for (const range of [
      { start: -1, end: 0 },
      { start: 1, end: 0 },
      { start: 0, end: 2 ** 53 },
      { start: Number.NaN, end: 1 },
      { start: 0.5, end: 1 },
      { start: 5, end: 9 },
    ]) {
      await this.#calls.attempt(`openResource with ${JSON.stringify(range)}`, async () =>
        (await service.openResource(resource, range)).stream.destroy(),
      );
    }
    await this.#calls.attempt('a file that is ended twice', async () => {
      const sink = await service.createFile(session, { type: 'audio_file' });
      sink.end('a');
      sink.end('b');
      await closed(sink);
    });
    await this.#calls.attempt('a write after the end', async () => {
      const sink = await service.createFile(session, { type: 'audio_file' });
      sink.end('a');
      sink.write('b');
      await closed(sink);
    });
    await this.#calls.attempt(
      'a resource before it is finished',
      async () => (await this.#given(service.createFile(session, { type: 'audio_file' }))).resource,
    );
    await this.#calls.attempt('releases at once', () =>
      Promise.all([service.release(resource), service.release(resource), service.release(resource)]),
    );
    await this.#calls.attempt('a resource that is gone', () => service.openResource(resource));
    await this.#calls.attempt('regenerate at once', () =>
      Promise.all([service.regenerate(session), service.regenerate(session)]),
    );
    await this.#calls.attempt('a listener that is none', () =>
      service.events.on('session.ended', 7 as never),
    );
    await this.#calls.attempt('two ends at once', () =>
      Promise.all([service.end(session), service.end(session)]),
    );
    for (const [name, call] of Object.entries({
      createFile: () => service.createFile(session, { type: 'audio_file' }),
      trackStream: () => service.trackStream(session, { close: () => undefined }),
      login: () => service.login(session, 'u'),
      regenerate: () => service.regenerate(session),
      describe: () => service.describe(session),
      end: () => service.end(session),
    })) {
      await this.#calls.attempt(`${name} of a session that is over`, call);
    }
  }

  async #adoptions(small: SmallCore): Promise<void> {
    const { service, root } = small;
    const { session } = await small.open();
    const inbox = `${root}-inbox`;
    await mkdir(inbox);
    try {
      await Promise.all([
        writeFile(join(inbox, 'plain'), 'x'),
        mkdir(join(inbox, 'folder')),
        symlink('/etc/passwd', join(inbox, 'out')),
        symlink('loop', join(inbox, 'loop')),
      ]);
      await writeFile(join(inbox, 'one'), 'x');
      await link(join(inbox, 'one'), join(inbox, 'two'));
      const paths = [
        'folder',
        'out',
        'loop',
        'one',
        'none',
        '',
        '.',
        '..',
        '../..',
        'plain/x',
        '\0',
        'x'.repeat(5000),
      ].map((name) => `${inbox}/${name}`);
      for (const path of [
        ...paths,
        '/etc/passwd',
        '/dev/zero',
        '/proc/self/mem',
        'relative',
        root,
        small.database,
      ]) {
        const taken = await this.#calls.attempt(`adoptFile(${path.slice(0, 80)})`, () =>
          service.adoptFile(session, path, { type: 'audio_file' }),
        );
        if (taken) this.#context.violation(`adoptFile took ${path}`);
      }
      await this.#calls.attempt('adoptFile twice', async () => {
        const path = join(inbox, 'plain');
        const twice = await Promise.allSettled(
          [0, 1].map(() => service.adoptFile(session, path, { type: 'audio_file' })),
        );
        for (const once of twice) if (once.status === 'rejected') throw once.reason;
      });
    } finally {
      await rm(inbox, { recursive: true, force: true });
    }
  }

  async #fileNames(small: SmallCore, count: number): Promise<void> {
    const { session } = await small.open();
    for (let number = 0; number < count; number += 1) {
      const fileName = NASTY_FILE_NAMES[number] ?? mutate(this.#chance.pick(NASTY_FILE_NAMES), this.#chance);
      await this.#calls.attempt(`the file name ${JSON.stringify(fileName).slice(0, 100)}`, async () => {
        const sink = await small.service.createFile(session, {
          type: 'audio_file',
          fileName,
          mediaType: fileName,
          purpose: fileName,
        });
        sink.end('x');
        await closed(sink);
        this.#judgeNames(fileName, sink.resource);
      });
    }
    const entries = await readdir(small.root, { recursive: true });
    for (const entry of entries)
      if (!OUR_FILE.test(entry))
        this.#context.violation(`a file name became the path ${JSON.stringify(entry)}`);
  }

  #judgeNames(given: string, resource: ResourceRecord): void {
    const fault = (what: string): void =>
      this.#context.violation(`the file name ${JSON.stringify(given).slice(0, 200)}: ${what}`);
    const name = resource.fileName?.replaceAll(JOINED, '') ?? null;
    if ((resource.fileName?.length ?? 0) > 255) fault(`kept as ${JSON.stringify(resource.fileName)}`);
    for (const kept of [name, resource.mediaType, resource.purpose]) {
      if (kept === null || kept.length > 255 || UNSEEN.test(kept) || !kept.isWellFormed())
        fault(`kept as ${JSON.stringify(kept)}`);
    }
    const headers = [dispositionOf(resource, planDownload()), safeMediaType(resource)];
    if (!headers.every((header) => HEADER.test(header)) || !headers[0]?.startsWith('attachment'))
      fault(`sent as ${JSON.stringify(headers)}`);
  }

  async #afterTheEnd(small: SmallCore): Promise<void> {
    const { service } = small;
    const { session, token } = await small.open();
    await small.stop();
    for (const [name, call] of Object.entries({
      open: () => service.open(CLIENT),
      identify: () => service.identify(token.reveal(), { ...CLIENT, ipAddress: '192.0.2.2' }),
      describe: () => service.describe(session),
      createFile: () => service.createFile(session, { type: 'audio_file' }),
      end: () => service.end(session),
      totals: () => service.totals(),
      cleanup: () => small.core.cleanup.runAll(),
      'stop again': () => small.core.stop(),
    })) {
      await this.#calls.attempt(`${name} after the stop`, call);
    }
  }

  /** A file that is not wanted any more. */
  async #given(creating: Promise<FileSink>): Promise<FileSink> {
    const sink = await creating;
    sink.destroy();
    await new Promise((resolve) => sink.once('close', resolve));
    return sink;
  }
}

function closed(sink: FileSink): Promise<void> {
  return new Promise((resolve, reject) => sink.once('error', reject).once('close', resolve));
}
