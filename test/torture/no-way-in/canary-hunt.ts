import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { AdapterName, AppServer } from '../bad-input/app-server.ts';
import { sender } from '../bad-input/http-attack.ts';
import { compose, OPERATOR } from '../bad-input/request.ts';
import type { Send, Visitor } from '../bad-input/visitors.ts';
import type { CampaignContext } from '../campaign.ts';
import { runCli } from '../remote/cli.ts';
import { ClientWords } from './client-words.ts';
import { Canaries, storedFormsOf, type Place } from './canaries.ts';
import { liveThrough } from './traffic.ts';

type Header = readonly [name: string, value: string];

/** Visitors that say a client's words. */
const MOST_SPEAKERS = 5;

/** Lets a server have traffic of every kind, and looks for its secrets wherever somebody else may read. */
export class CanaryHunt {
  readonly #adapter: AdapterName;
  readonly #server: AppServer;
  readonly #environment: Readonly<Record<'ADMIN_TOKEN' | 'SESSION_METRICS_TOKEN', string>>;
  readonly #context: CampaignContext;
  readonly #send: Send;
  readonly #words: ClientWords;
  #summary = '';

  constructor(
    adapter: AdapterName,
    server: AppServer,
    environment: Readonly<Record<'ADMIN_TOKEN' | 'SESSION_METRICS_TOKEN', string>>,
    words: ClientWords,
    context: CampaignContext,
  ) {
    this.#words = words;
    this.#adapter = adapter;
    this.#server = server;
    this.#environment = environment;
    this.#context = context;
    this.#send = sender(server.port);
  }

  get summary(): string {
    return this.#summary;
  }

  /** How many places were searched. Stops the server. */
  async run(): Promise<number> {
    const visitors = await liveThrough(
      this.#send,
      this.#server.port,
      Math.min(50, Math.ceil(this.#context.count / 5)),
    );
    for (const visitor of visitors.slice(0, MOST_SPEAKERS)) await this.#words.say(this.#send, visitor);
    const member = await this.#words.logIn(this.#send);
    await this.#words.say(this.#send, member);
    const tokens = [...visitors, member].map(({ token }) => token);
    const secrets = [...this.#environment.ADMIN_TOKEN.split(','), this.#environment.SESSION_METRICS_TOKEN];
    const canaries = new Canaries(tokens, secrets);
    const answers = await this.#answers([...visitors, member]);
    const places = [
      ...answers,
      ...(await this.#commands(visitors, member)),
      ...(await this.#folder('while it runs')),
    ];
    this.#seesWhatIsThere(visitors, places);
    this.#seesRequests(member, places);
    const code = await this.#server.stop();
    if (code !== 0) this.#context.violation(`${this.#adapter}: the server left ${code}`);
    places.push(...(await this.#folder('after it stopped')));
    places.push({ name: 'the log', bytes: Buffer.from(this.#server.log) });
    for (const place of places) this.#search(place, canaries);
    const bytes = places.reduce((sum, place) => sum + place.bytes.length, 0);
    this.#summary = `${canaries.count} canaries in ${places.length} places, ${Math.round(bytes / 1024)} KiB`;
    return places.length;
  }

  #search(place: Place, canaries: Canaries): void {
    const found = canaries.findIn(place);
    if (found !== null)
      this.#context.violation(`${this.#adapter}: a secret in ${place.name}: ${JSON.stringify(found)}`);
    const word = this.#words.findIn(place);
    if (word !== null) this.#context.violation(`${this.#adapter}: a client's word in ${place.name}: ${word}`);
    if (!canaries.wouldFindIn(place, this.#context.random()))
      this.#context.violation(`${this.#adapter}: a secret planted in ${place.name} was not found`);
  }

  /** A search of the wrong bytes finds nothing either: hashes are in the database, and public ids are shown. */
  #seesWhatIsThere(visitors: readonly Visitor[], places: readonly Place[]): void {
    const isIn = (inStore: boolean, needle: string | Buffer): boolean =>
      places.some(({ isStore = false, bytes }) => isStore === inStore && bytes.includes(needle));
    for (const { token, sessionId } of visitors.filter((_visitor, index) => index % 3 !== 0)) {
      if (!storedFormsOf(token).some((form) => isIn(true, form)))
        this.#context.violation(`${this.#adapter}: the hash of a live token is not in the database`);
      if (!isIn(false, sessionId)) this.#context.violation(`${this.#adapter}: no answer shows ${sessionId}`);
    }
  }

  /** A HAR without requests has no secret either, and a login that came to nothing no user. */
  #seesRequests({ sessionId }: Visitor, places: readonly Place[]): void {
    const has = (name: RegExp, text: string): boolean =>
      places.some((place) => name.test(place.name) && place.bytes.includes(text));
    if (!has(/ export /, '"url": "http://localhost/session"') || !has(/ export /, sessionId))
      this.#context.violation(`${this.#adapter}: the HAR has no request`);
    if (!has(/sessions\/users$/, this.#words.user))
      this.#context.violation(`${this.#adapter}: the user is not logged in`);
    if (!has(/timeline$/, '"login"')) this.#context.violation(`${this.#adapter}: no timeline has the login`);
  }

  async #answers(visitors: readonly Visitor[]): Promise<Place[]> {
    const [token = ''] = this.#environment.ADMIN_TOKEN.split(',');
    const admin: Header = ['X-Admin-Token', token];
    const metrics: Header = ['Authorization', `Bearer ${this.#environment.SESSION_METRICS_TOKEN}`];
    const asked: (readonly [method: string, target: string, headers: readonly Header[]])[] = [
      ['GET', '/health', []],
      ['GET', '/metrics', [metrics]],
      ['GET', '/metrics', []],
      ['GET', '/metrics', [['Authorization', `Bearer ${token}`]]],
      ['GET', '/admin/sessions', [admin]],
      ['GET', '/admin/sessions?sort=-last_activity&limit=2', [admin]],
      ['GET', '/admin/sessions?limit=nonsense', [admin]],
      ['GET', '/admin/sessions?nonsense=1', [admin]],
      ['GET', '/admin/sessions/metrics', [admin]],
      ['GET', '/admin/sessions/users', [admin]],
      ['GET', '/admin/sessions/users?cursor=nonsense', [admin]],
      ['GET', '/admin/sessions/users/nonsense', [admin]],
      ['GET', '/admin/sessions/users/%00', [admin]],
      ['GET', '/admin/sessions/nonsense', [admin]],
      ['PUT', '/admin/sessions', [admin]],
      ['GET', '/admin/sessions', []],
      ['GET', '/admin/sessions', [['X-Admin-Token', `${token}x`]]],
      ['GET', '/admin/sessions/audit', [admin]],
      ...visitors.map(({ sessionId }) => ['GET', `/admin/sessions/${sessionId}`, [admin]] as const),
      ...visitors.map(({ sessionId }) => ['GET', `/admin/sessions/${sessionId}/timeline`, [admin]] as const),
      ...visitors
        .filter((_visitor, index) => index % 3 === 0)
        .map(({ sessionId }) => ['POST', `/admin/sessions/${sessionId}/cleanup`, [admin]] as const),
    ];
    const places: Place[] = [];
    for (const [method, target, headers] of asked) {
      const { received } = await this.#send(
        compose({ what: 'a look', method, target, headers, from: OPERATOR }),
      );
      places.push({ name: `the answer to ${method} ${target}`, bytes: Buffer.from(received, 'latin1') });
    }
    return places;
  }

  async #commands(visitors: readonly Visitor[], member: Visitor): Promise<Place[]> {
    const [first, second] = visitors.slice(1).map(({ sessionId }) => sessionId);
    const commands = [
      ['list'],
      ['list', '--json'],
      ['show', `${first}`, '--json'],
      ['show', `${second}`],
      ['stats'],
      ['stats', '--json'],
      ['timeline', `${first}`],
      ['timeline', `${second}`, '--json'],
      ['audit', '--json'],
      ['export', member.sessionId, '--har'],
      ['cleanup', '--json'],
      ['cleanup'],
      ['cleanup', `${visitors.at(3)?.sessionId}`, '--yes'],
      ['show', 'nonsense'],
      ['list', '--nonsense'],
      ['nonsense'],
      ['--help'],
    ];
    // A short run has time for some of them.
    const chosen =
      this.#context.count >= 100 ? commands : commands.filter((_command, index) => index % 8 === 1);
    const places: Place[] = [];
    for (const args of chosen) {
      const { stdout, stderr } = await runCli(this.#server.storagePath, args, this.#environment);
      places.push({
        name: `the output of nest-sessions ${args.join(' ')}`,
        bytes: Buffer.from(stdout + stderr),
      });
    }
    return places;
  }

  /** Every file beneath the storage, and their names. */
  async #folder(when: string): Promise<Place[]> {
    const root = this.#server.storagePath;
    const names = await readdir(root, { recursive: true });
    const places: Place[] = [{ name: `the names of files ${when}`, bytes: Buffer.from(names.join('\n')) }];
    for (const name of names) {
      const path = join(root, name);
      const bytes = await bytesOf(path);
      if (bytes) places.push({ name: `${name} ${when}`, bytes, isStore: name.startsWith('sessions.db') });
    }
    return places;
  }
}

/** `null` for what is no file, and what the server has removed since it was listed, such as its beacon. */
async function bytesOf(path: string): Promise<Buffer | null> {
  try {
    return (await stat(path)).isFile() ? await readFile(path) : null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
