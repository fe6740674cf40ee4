import { Controller, Delete, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import { pipeline } from 'node:stream/promises';
import { CurrentSession, SessionService, type Session } from 'nest-sessions';

/** What a small application does with sessions: files of any size, a live connection, a login. */
@Controller()
export class OwnerController {
  /** Sessions whose live connection was closed, with why. */
  readonly closed: string[] = [];

  constructor(@Inject(SessionService) private readonly sessions: SessionService) {}

  @Get('hello')
  hello(@CurrentSession() session: Session) {
    return { id: session.id };
  }

  @Post('files')
  async create(@CurrentSession() session: Session, @Query('size') size: string) {
    const file = await this.sessions.createFile(session, {
      type: 'audio_file',
      purpose: 'transcription',
      fileName: 'phrase.wav',
      mediaType: 'audio/wav',
    });
    await pipeline([Buffer.alloc(Number(size), 1)], file);
    return { id: file.resourceId };
  }

  @Delete('files/:id')
  @HttpCode(204)
  async release(@CurrentSession() session: Session, @Param('id') id: string) {
    const resource = await this.sessions.findResource(session, id);
    if (resource) await this.sessions.release(resource);
  }

  @Post('streams')
  async stream(@CurrentSession() session: Session) {
    const close = (reason: string): number => this.closed.push(`${session.id} ${reason}`);
    const { resourceId } = await this.sessions.trackStream(session, {
      close: (reason) => void close(reason),
    });
    return { id: resourceId };
  }

  @Post('login/:user')
  async login(@CurrentSession() session: Session, @Param('user') user: string) {
    await this.sessions.login(session, user);
    return { id: session.id };
  }

  @Delete('session')
  @HttpCode(204)
  async end(@CurrentSession() session: Session) {
    await this.sessions.end(session);
  }
}
