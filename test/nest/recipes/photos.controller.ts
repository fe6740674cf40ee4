import { Body, Controller, Get, Param, Post, UseInterceptors, ValidationPipe } from '@nestjs/common';
import { IsIn, Length } from 'class-validator';
import {
  CurrentSession,
  DownloadInterceptor,
  type ReceivedFile,
  Session,
  SessionService,
  UploadedResource,
  UploadInterceptor,
} from 'nest-sessions';

class PhotoDto {
  @Length(1, 100)
  title!: string;

  @IsIn(['private', 'shared'])
  visibility = 'private';
}

const PICTURES = {
  contents: ['image/png', 'image/jpeg', 'image/webp'],
  mediaTypes: ['image/'],
  maxFileBytes: 5_000_000,
};

@Controller('photos')
export class PhotosController {
  constructor(private readonly sessions: SessionService) {}

  /** A DTO that is refused deletes the photo, too. */
  @Post()
  @UseInterceptors(UploadInterceptor('photo', PICTURES))
  add(
    @Body(new ValidationPipe({ transform: true, whitelist: true })) photo: PhotoDto,
    @UploadedResource() { id, fileName, sizeBytes }: ReceivedFile,
  ) {
    return { id, fileName, sizeBytes, title: photo.title, visibility: photo.visibility };
  }

  @Get(':id')
  @UseInterceptors(DownloadInterceptor.with({ disposition: 'inline' }))
  show(@CurrentSession() session: Session, @Param('id') id: string) {
    return this.sessions.findResource(session, id);
  }
}
