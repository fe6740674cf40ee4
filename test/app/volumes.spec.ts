/* oxlint-disable no-await-in-loop -- mounts follow each other */
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppProcess, spawnApp } from '../support/app-process.js';
import { resultOf, runCli } from '../cli/cli-process.js';
import { Browser } from '../support/browser.js';
import { bytesOf, formOf } from '../support/recordings.js';
import type { UploadAnswer } from './session-answer.js';

const MANIFEST = readFileSync(join(import.meta.dirname, '../../docs/operations.md'), 'utf8');
const ROOT = 0;
/** Who runs the app by the manifest of the docs: a user without an entry in /etc/passwd. `AppProcess` passes no HOME. */
const SOMEBODY = Number(inManifest('runAsUser: (\\d+)'));
const GROUP = Number(inManifest('fsGroup: (\\d+)'));
const FOLDER = inManifest(`value: ${inManifest('mountPath: (\\S+)')}/(\\S+)`);

function inManifest(pattern: string): string {
  return new RegExp(`${pattern} ?}?$`, 'm').exec(MANIFEST)?.[1] ?? '';
}

/** Kubernetes does this to a volume with `fsGroup`, at each mount: the group may read and write everything. */
function mountWithFsGroup(volume: string, group: number): void {
  const entries = readdirSync(volume, { recursive: true, withFileTypes: true });
  for (const path of [volume, ...entries.map((entry) => join(entry.parentPath, entry.name))]) {
    const { uid, mode } = lstatSync(path);
    const isFolder = lstatSync(path).isDirectory();
    chownSync(path, uid, group);
    chmodSync(path, (mode & 0o7777) | (isFolder ? 0o2770 : 0o660));
  }
}

async function upload(browser: Browser, url = ''): Promise<string> {
  const form = formOf(await bytesOf('hello-en.wav'), 'hello-en.wav', 'audio/wav');
  const response = await browser.fetch(`${url}/audio`, { method: 'POST', body: form });
  expect(response.status).toBe(201);
  return ((await response.json()) as UploadAnswer).resource_id;
}

async function refusalOf(storagePath: string): Promise<string> {
  const { code, stderr } = await resultOf(spawnApp({ SESSION_STORAGE_PATH: storagePath }, SOMEBODY));
  expect(code).toBe(1);
  return stderr;
}

describe('The app of a user id without name and home, on a volume', () => {
  let volume: string;

  beforeEach(() => {
    volume = mkdtempSync(join(tmpdir(), 'volume-'));
    mkdirSync(join(volume, 'lost+found'), { mode: 0o700 });
  });
  afterEach(() => rmSync(volume, { recursive: true, force: true }));

  it('of its own, with a lost+found of root, starts and says nothing', async () => {
    chownSync(volume, SOMEBODY, SOMEBODY);
    chmodSync(volume, 0o700);
    const app = await AppProcess.start('express', {}, volume, SOMEBODY);
    try {
      await upload(new Browser(app.url));
      expect(app.log.trim()).toBe(app.bootLine);
      expect(readdirSync(volume)).toContain('lost+found');
    } finally {
      await app.destroy();
    }
  });

  it.each([
    ['of root: in the folder of the manifest', ROOT, FOLDER],
    ['of its own: in the volume itself', SOMEBODY, '.'],
  ])('that fsGroup opens to a group at each mount, %s, keeps its sessions', async (_name, owner, folder) => {
    const path = join(volume, folder);
    chownSync(volume, owner, GROUP);
    const browser = new Browser('http://127.0.0.1');
    let id = '';
    for (let mounts = 0; mounts < 3; mounts += 1) {
      mountWithFsGroup(volume, GROUP);
      const app = await AppProcess.start('express', {}, path, SOMEBODY);
      try {
        if (mounts === 0) id = await upload(browser, app.url);
        expect((await browser.fetch(`${app.url}/resources/${id}`)).status).toBe(200);
        expect(lstatSync(path).mode & 0o777).toBe(0o700);
        const isOpened = mounts > 0 || folder === '.';
        expect(app.log.includes(`The storage folder ${path} was open to other users (mode 2770)`)).toBe(
          isOpened,
        );
        await upload(browser, app.url);
      } finally {
        await app.stop();
      }
    }
  });

  it('of root is refused with the setting, and advice that works', async () => {
    chmodSync(volume, 0o777);
    const refusal = await refusalOf(volume);
    expect(refusal).toBe(
      `The storage folder ${volume} belongs to another user (id 0), and this process runs as user id ${SOMEBODY}: ` +
        `set storagePath (SESSION_STORAGE_PATH) to a folder in it, such as ${join(volume, 'sessions')}, which the server creates.\n`,
    );
    const app = await AppProcess.start('fastify', {}, join(volume, 'sessions'), SOMEBODY);
    await upload(new Browser(app.url));
    await app.destroy();
  });

  it('that it may not write is refused with the path, the setting and the cause', async () => {
    chmodSync(volume, 0o755);
    const refusal = await refusalOf(join(volume, 'sessions'));
    expect(refusal).toMatch(
      /^Opening the session database failed \(EACCES: permission denied, mkdir '.*sessions'\)/,
    );
    expect(refusal).toContain(
      `set storagePath (SESSION_STORAGE_PATH) to a folder that user id ${SOMEBODY} can write`,
    );
  });

  it('is read by the command line as that user; another one is told which', async () => {
    chmodSync(volume, 0o777);
    const storagePath = join(volume, 'sessions');
    const app = await AppProcess.start('express', {}, storagePath, SOMEBODY);
    try {
      await upload(new Browser(app.url));
      const { code, stdout } = await runCli(['stats', '--json'], { storagePath, uid: SOMEBODY });
      expect([code, JSON.parse(stdout).sessions.active]).toEqual([0, 1]);
      for (const uid of [ROOT, SOMEBODY + 1]) {
        const { code: refused, stderr } = await runCli(['stats'], { storagePath, uid });
        expect(refused).toBe(5);
        expect(stderr).toContain(`run it as user id ${SOMEBODY}`);
        expect(stderr).not.toMatch(/chown|chmod/);
      }
    } finally {
      await app.destroy();
    }
  });
});
