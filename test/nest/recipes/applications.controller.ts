import { Controller, Post, UseInterceptors } from '@nestjs/common';
import {
  type ReceivedFile,
  UploadedResource,
  UploadedResources,
  type UploadedFiles,
  UploadInterceptor,
} from 'nest-sessions';

@Controller('applications')
export class ApplicationsController {
  @Post()
  @UseInterceptors(
    UploadInterceptor({
      letter: { contents: ['application/pdf'], maxFileBytes: 1_000_000 },
      papers: { contents: ['application/pdf', 'image/'], maxFiles: 5, required: false },
    }),
  )
  apply(
    @UploadedResource('letter') letter: ReceivedFile,
    @UploadedResources('papers') papers: UploadedFiles,
  ) {
    return { letter: letter.id, papers: papers.map(({ id }) => id) };
  }
}
