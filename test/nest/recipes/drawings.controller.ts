import { Controller, Put, UseInterceptors } from '@nestjs/common';
import { RawUploadInterceptor, type ReceivedFile, UploadedResource } from 'nest-sessions';

@Controller('drawings')
export class DrawingsController {
  /** `curl -T drawing.png -H 'Content-Type: image/png' localhost:3000/drawings` */
  @Put()
  @UseInterceptors(RawUploadInterceptor({ contents: ['image/'], fileName: 'drawing.png' }))
  add(@UploadedResource() drawing: ReceivedFile) {
    return { id: drawing.id, name: drawing.fileName };
  }
}
