import {
  Controller,
  FileTypeValidator,
  MaxFileSizeValidator,
  ParseFilePipe,
  Post,
  UseInterceptors,
} from '@nestjs/common';
import {
  type ReceivedFile,
  UploadedResource,
  UploadedResources,
  type UploadedFiles,
  UploadInterceptor,
} from 'nest-sessions';

const smallPng = new ParseFilePipe({
  validators: [
    new MaxFileSizeValidator({ maxSize: 100_000 }),
    new FileTypeValidator({ fileType: 'image/png' }),
  ],
});

@Controller('avatar')
export class AvatarController {
  @Post()
  @UseInterceptors(UploadInterceptor('avatar'))
  set(@UploadedResource(smallPng) avatar: ReceivedFile) {
    return { id: avatar.id, name: avatar.originalname };
  }

  @Post('icons')
  @UseInterceptors(UploadInterceptor('icons', { maxFiles: 10 }))
  setIcons(@UploadedResources(smallPng) icons: UploadedFiles) {
    return { ids: icons.map(({ id }) => id) };
  }
}
