import { Controller, Delete, Get, HttpCode, NotFoundException, Param, UseInterceptors } from '@nestjs/common';
import {
  CurrentSession,
  DownloadInterceptor,
  Session,
  SessionService,
  type ResourceRecord,
} from 'nest-sessions';

/** The files of the caller's own session; those of any other session are 404. */
@Controller('resources')
export class ResourcesController {
  constructor(private readonly sessions: SessionService) {}

  @Get(':id')
  @UseInterceptors(DownloadInterceptor)
  download(@CurrentSession() session: Session, @Param('id') id: string): Promise<ResourceRecord> {
    return this.find(session, id);
  }

  @Delete(':id')
  @HttpCode(204)
  async remove(@CurrentSession() session: Session, @Param('id') id: string): Promise<void> {
    await this.sessions.release(await this.find(session, id));
  }

  private async find(session: Session, id: string): Promise<ResourceRecord> {
    const resource = await this.sessions.findResource(session, id);
    if (!resource) throw new NotFoundException('This session has no such resource.');
    return resource;
  }
}
