import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readPage } from '../docs/pages.js';
import { FileApp } from '../support/file-app.js';
import { ADAPTERS } from '../support/http-app.js';
import { GIF, padded, PDF, picture, PNG } from '../support/pictures.js';
import { ApplicationsController } from './recipes/applications.controller.js';
import { AvatarController } from './recipes/avatar.controller.js';
import { DrawingsController } from './recipes/drawings.controller.js';
import { PhotosController } from './recipes/photos.controller.js';

const RECIPES = join(import.meta.dirname, 'recipes');
const CONTROLLERS = [PhotosController, ApplicationsController, AvatarController, DrawingsController];

describe('docs/files.md', () => {
  it.each(readdirSync(RECIPES))('has the recipe %s as it is tested here', (name) => {
    const source = readFileSync(join(RECIPES, name), 'utf8');
    expect(readPage('docs/files.md').text).toContain(`<!-- file ${name} -->\n\`\`\`ts\n${source}\`\`\`\n`);
  });
});

describe.each(ADAPTERS)('The recipes of uploads on %s', (adapter) => {
  let app: FileApp;
  beforeEach(async () => {
    app = await FileApp.start(adapter, {}, undefined, CONTROLLERS);
  });
  afterEach(() => app.close());

  const send = async (
    path: string,
    parts: readonly [string, File | string][],
  ): Promise<[number, unknown]> => {
    const form = new FormData();
    for (const [name, value] of parts) form.append(name, value);
    const response = await app.browser.fetch(path, { method: 'POST', body: form });
    return [response.status, await response.json()];
  };
  const idsInPlace = async (): Promise<string[]> => (await app.session()).resources.map(({ id }) => id);

  it('a picture with a DTO is stored, and shown inline', async () => {
    const [status, photo] = await send('/photos', [
      ['title', 'At sea'],
      ['unknown', 'x'],
      ['photo', picture(PNG, 'image/png', 'sea.png')],
    ]);
    expect([status, photo]).toEqual([
      201,
      {
        id: expect.any(String) as string,
        fileName: 'sea.png',
        sizeBytes: PNG.length,
        title: 'At sea',
        visibility: 'private',
      },
    ]);
    const shown = await app.browser.fetch(`/photos/${(photo as { id: string }).id}`);
    expect(shown.headers.get('content-type')).toBe('image/png');
    expect(shown.headers.get('content-disposition')).toMatch(/^inline/);
    expect(Buffer.from(await shown.arrayBuffer()).equals(PNG)).toBe(true);
  });

  it.each<[why: string, status: number, parts: [string, File | string][]]>([
    ['DTO has no title', 400, [['photo', picture(PNG)]]],
    [
      'DTO has a wrong word',
      400,
      [
        ['title', 'x'],
        ['visibility', 'all'],
        ['photo', picture(PNG)],
      ],
    ],
    [
      'contents are no picture',
      415,
      [
        ['title', 'x'],
        ['photo', picture(PDF)],
      ],
    ],
    [
      'declared type is no picture',
      415,
      [
        ['title', 'x'],
        ['photo', picture(PNG, 'text/html')],
      ],
    ],
    [
      'file is too large',
      413,
      [
        ['title', 'x'],
        ['photo', picture(padded(PNG, 5_000_001))],
      ],
    ],
  ])('a picture is refused, and nothing is kept, if its %s', async (_why, status, parts) => {
    expect((await send('/photos', parts))[0]).toBe(status);
    expect(await app.isEmpty()).toBe(true);
  });

  it('several fields have options each', async () => {
    const letter: [string, File] = ['letter', picture(PDF, 'application/pdf')];
    const [status, answer] = await send('/applications', [
      letter,
      ['papers', picture(GIF)],
      ['papers', picture(PDF)],
    ]);
    const { letter: id, papers } = answer as { letter: string; papers: string[] };
    expect([status, await idsInPlace()]).toEqual([201, [id, ...papers]]);
    expect((await send('/applications', [letter]))[0]).toBe(201);
    expect((await send('/applications', [['papers', picture(PDF)]]))[0]).toBe(400);
    expect((await send('/applications', [['letter', picture(PNG)]]))[0]).toBe(415);
    expect(await idsInPlace()).toHaveLength(4);
  });

  it('Nest’s ParseFilePipe sees size, type by magic numbers, and name', async () => {
    const [status, answer] = await send('/avatar', [['avatar', picture(PNG, 'text/plain', 'me.txt')]]);
    expect([status, answer]).toEqual([201, { id: expect.any(String) as string, name: 'me.txt' }]);
    const icons: [string, File][] = [1, 2, 3].map(() => ['icons', picture(padded(PNG, 9000))]);
    const [, { ids }] = (await send('/avatar/icons', icons)) as [number, { ids: string[] }];
    expect((await idsInPlace()).slice(1)).toEqual(ids);
  });

  it.each<[why: string, path: string, parts: [string, File][], message: RegExp]>([
    ['is too large', '/avatar', [['avatar', picture(padded(PNG, 100_000))]], /file size is 100000/],
    ['is of another type', '/avatar', [['avatar', picture(GIF)]], /image\/gif.*image\/png/],
    [
      'of several is of another type',
      '/avatar/icons',
      [
        ['icons', picture(PNG)],
        ['icons', picture(PDF)],
      ],
      /application\/pdf/,
    ],
  ])(
    'Nest’s ParseFilePipe refuses a file that %s, and nothing is kept',
    async (_why, path, parts, message) => {
      const [status, answer] = await send(path, parts);
      expect([status, (answer as { message: string }).message]).toEqual([
        400,
        expect.stringMatching(message),
      ]);
      expect(await app.isEmpty()).toBe(true);
    },
  );

  it('a body is a picture', async () => {
    const response = await app.browser.fetch('/drawings', {
      method: 'PUT',
      body: new Uint8Array(PNG),
      headers: { 'content-type': 'image/png' },
    });
    const { id, name } = (await response.json()) as { id: string; name: string };
    expect([response.status, name, await idsInPlace()]).toEqual([200, 'drawing.png', [id]]);
  });
});
