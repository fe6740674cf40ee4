import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Controller,
  Post,
  Put,
  UploadedFile,
  UploadedFiles,
  UseInterceptors,
  type Type,
} from '@nestjs/common';
import { RawUploadInterceptor, SESSIONS_CONFIG, UploadInterceptor, type SessionsConfig } from 'nest-sessions';
import { ADAPTERS, startApp } from '../support/http-app.js';

@Controller()
class OnHandler {
  @Post('photos')
  @UseInterceptors(UploadInterceptor('photo', { type: 'image_file' }))
  add(): object {
    return {};
  }
}

@Controller()
@UseInterceptors(UploadInterceptor('photo', { type: 'image_file' }))
class OnController {
  @Post('photos')
  add(): object {
    return {};
  }
}

@Controller()
class OfOneField {
  @Post('photos')
  @UseInterceptors(
    UploadInterceptor({ note: {}, voice: { type: 'audio_file' }, photo: { type: 'image_file' } }),
  )
  add(): object {
    return {};
  }
}

@Controller()
class OfRawBody {
  @Put('photos')
  @UseInterceptors(RawUploadInterceptor({ type: 'image_file' }))
  add(): object {
    return {};
  }
}

class Inherited extends OnHandler {}
Controller('more')(Inherited);

@Controller()
class OfStream {
  @Post('photos')
  @UseInterceptors(UploadInterceptor('photo', { type: 'stream' }))
  add(): object {
    return {};
  }
}

@Controller()
class WithFileOfMulter {
  @Post('photos')
  @UseInterceptors(UploadInterceptor('photo'))
  add(@UploadedFile() photo: object): object {
    return photo;
  }
}

@Controller()
class WithFilesOfMulter {
  @Post('photos')
  @UseInterceptors(UploadInterceptor('photo'))
  add(@UploadedFiles() photos: object[]): object {
    return photos;
  }
}

describe.each(ADAPTERS)('An upload route on %s', (adapter) => {
  let folder: string;
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'nest-sessions-'))));
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it.each<[name: string, controller: Type, message: RegExp]>([
    ['of a handler', OnHandler, /OnHandler\.add .*"image_file".*SESSION_RESOURCE_TYPES/],
    ['of a controller', OnController, /OnController\.add .*"image_file"/],
    ['that a controller inherits', Inherited, /Inherited\.add .*"image_file"/],
    ['of several fields', OfOneField, /OfOneField\.add .*"image_file".*audio_file, file, temp_file/],
    ['of raw bodies', OfRawBody, /OfRawBody\.add .*"image_file"/],
    ['of streams', OfStream, /OfStream\.add .*"stream"/],
  ])('%s of an unknown type stops the boot before anything is stored', async (_name, controller, message) => {
    const storagePath = join(folder, 'root');
    const booting = startApp(adapter, { controllers: [controller], options: { storagePath } });
    await expect(booting).rejects.toMatchObject({
      code: 'RESOURCE_TYPE_UNKNOWN',
      message: expect.stringMatching(message) as string,
    });
    expect(await readdir(folder)).toEqual([]);
  });

  it.each([WithFileOfMulter, WithFilesOfMulter])(
    'whose handler takes a file of multer stops the boot: %p',
    async (controller) => {
      const booting = startApp(adapter, { controllers: [controller] });
      await expect(booting).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining(`${controller.name}.add has a parameter`) as string,
      });
    },
  );

  it.each<[name: string, controller: Type]>([
    ['handler', OnHandler],
    ['controller', OnController],
    ['field', OfOneField],
    ['raw body', OfRawBody],
  ])('of a %s boots if its type is one of resourceTypes', async (_name, controller) => {
    const running = await startApp(adapter, {
      controllers: [controller],
      options: { resourceTypes: ['image_file'] },
    });
    const { resourceTypes } = running.app.get<SessionsConfig>(SESSIONS_CONFIG);
    await running.close();
    expect(resourceTypes).toContain('image_file');
  });
});

it.each([
  [{ maxFileBytes: Number.NaN }, 'maxFileBytes of the upload field "file" is NaN'],
  [{ maxFiles: 0 }, 'maxFiles of the upload field "file" is 0'],
  [{ mediaTypes: ['audio/webm;codecs=opus'] }, '"audio/webm;codecs=opus"'],
  [{ contents: ['*'] }, '"*"'],
])('An upload route with options that admit or refuse everything is no route: %j', (options, message) => {
  expect(() => UploadInterceptor('file', options)).toThrow(message);
});

it('An upload route without a field is no route', () => {
  expect(() => UploadInterceptor({})).toThrow('no field');
});
