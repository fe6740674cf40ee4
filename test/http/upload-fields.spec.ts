import { BadRequestException, Controller, Post, UseInterceptors } from '@nestjs/common';
import {
  UploadedResource,
  UploadedResources,
  UploadInterceptor,
  type ReceivedFile,
  type ResourceRecord,
  type UploadedFiles,
} from 'nest-sessions';
import { FileApp } from '../support/file-app.js';
import { ADAPTERS } from '../support/http-app.js';
import { PDF, picture, PNG } from '../support/pictures.js';
import { filePart, END, headOf, RawRequest } from '../support/raw-request.js';

const FIELDS = {
  avatar: { maxFileBytes: 1000, mediaTypes: ['image/*'], purpose: 'avatar' },
  papers: { maxFiles: 2, type: 'temp_file', required: false },
};
const namesOf = (files: readonly ReceivedFile[]): string[] => files.map(({ originalname }) => originalname);

@Controller()
class ProfileController {
  @Post('profile')
  @UseInterceptors(UploadInterceptor(FIELDS))
  save(
    @UploadedResource('avatar') avatar: ReceivedFile,
    @UploadedResources('papers') papers: UploadedFiles,
    @UploadedResources() all: UploadedFiles,
  ): object {
    return { avatar, papers: namesOf(papers), all: namesOf(all), fields: all.map((file) => file.fieldname) };
  }

  @Post('kept-profile')
  @UseInterceptors(UploadInterceptor(FIELDS))
  async keep(@UploadedResources('papers') papers: UploadedFiles): Promise<never> {
    await papers.keep();
    throw new BadRequestException('The handler fails after it has kept the files.');
  }
}

interface Answer {
  readonly avatar: ResourceRecord;
  readonly message: string;
}

describe.each(ADAPTERS)('A form with several fields of files on %s', (adapter) => {
  let app: FileApp;
  beforeEach(async () => {
    app = await FileApp.start(adapter, {}, undefined, [ProfileController]);
  });
  afterEach(() => app.close());

  const send = (path: string, ...files: [field: string, file: File][]): Promise<Response> => {
    const form = new FormData();
    for (const [field, file] of files) form.append(field, file);
    return app.browser.fetch(path, { method: 'POST', body: form });
  };
  const avatar = (bytes = PNG): [string, File] => ['avatar', picture(bytes, 'image/png', 'me.png')];
  const paper = (name: string): [string, File] => ['papers', picture(PDF, 'application/pdf', name)];

  it('gives each field its files, with options of its own, and places all in one step', async () => {
    const ready: string[] = [];
    app.service.events.on('resource.ready', ({ type }) => void ready.push(type));
    const response = await send('/profile', paper('one'), avatar(), paper('two'));
    expect(response.status).toBe(201);
    expect(await response.json()).toMatchObject({
      avatar: { type: 'file', purpose: 'avatar', fileName: 'me.png', state: 'ready' },
      papers: ['one', 'two'],
      all: ['one', 'me.png', 'two'],
      fields: ['papers', 'avatar', 'papers'],
    });
    expect(ready).toEqual(['temp_file', 'file', 'temp_file']);
  });

  it('leaves out of the JSON of a record what Nest’s pipes read', async () => {
    const { avatar: record } = (await (await send('/profile', avatar())).json()) as Answer;
    expect(Object.keys(record)).toEqual(expect.arrayContaining(['id', 'fileName', 'sizeBytes']));
    expect(Object.keys(record)).not.toEqual(expect.arrayContaining(['buffer']));
    expect(Object.keys(record)).not.toEqual(expect.arrayContaining(['originalname']));
  });

  it.each<[why: string, status: number, message: RegExp, files: () => [string, File][]]>([
    ['a required field has no file', 400, /no file in the field avatar/, () => [paper('one')]],
    [
      'one field has too many',
      400,
      /field papers accepts at most 2/,
      () => [avatar(), paper('1'), paper('2'), paper('3')],
    ],
    ['one field has too many, of its own', 400, /field avatar accepts at most 1/, () => [avatar(), avatar()]],
    [
      'a file exceeds the limit of its field',
      413,
      /1000 bytes/,
      () => [paper('1'), avatar(Buffer.alloc(1001))],
    ],
    [
      'a file has a type that its field does not accept',
      415,
      /field avatar accepts image\/, not files declared as "text\/html"/,
      () => [paper('1'), ['avatar', picture(PNG, 'text/html')]],
    ],
    [
      'a file is in no field of the route',
      400,
      /in the fields avatar, papers only, not in "photo"/,
      () => [avatar(), ['photo', picture(PNG)]],
    ],
  ])('is refused whole if %s', async (_why, status, message, files) => {
    const response = await send('/profile', ...files());
    expect([response.status, ((await response.json()) as Answer).message]).toEqual([
      status,
      expect.stringMatching(message),
    ]);
    expect(await app.isEmpty()).toBe(true);
  });

  it.each<[name: string, told: string]>([
    ['a\u001b[2Jb', 'a [2Jb'],
    ['<b>"x"', '<b>\\"x\\"'],
    ['n'.repeat(100), 'n'.repeat(100)],
  ])('tells the name of an unexpected field as data: %j', async (name, told) => {
    const response = await send('/profile', [name, picture(PNG)]);
    const { message } = (await response.json()) as Answer;
    expect([response.status, message]).toEqual([
      400,
      `This route accepts files in the fields avatar, papers only, not in "${told}".`,
    ]);
  });

  it('refuses a field name of more than 100 bytes without repeating it', async () => {
    const raw = await RawRequest.open(app.port);
    const body = Buffer.concat([filePart('x', `name="${'n'.repeat(101)}"; filename="a"`), END]);
    raw.send(headOf(app.browser.cookieHeader, { 'content-length': body.length }, '/profile')).send(body);
    const answer = await raw.answer();
    raw.end();
    expect([answer.status, answer.body]).toEqual([400, expect.not.stringContaining('nnnn')]);
  });

  it('keeps the files of all fields early if its handler asks', async () => {
    expect((await send('/kept-profile', avatar(), paper('one'))).status).toBe(400);
    expect((await app.session()).resourceCount).toBe(2);
  });
});
