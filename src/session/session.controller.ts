import { Controller, Delete, Get, HttpCode } from '@nestjs/common';
import { CurrentSession, Session, SessionService, SessionsError } from 'nest-sessions';
import { viewOf } from './session.view.js';

/** The caller's own session. */
@Controller('session')
export class SessionController {
  constructor(private readonly sessions: SessionService) {}

  @Get()
  async show(@CurrentSession() session: Session) {
    const details = await this.sessions.describe(session);
    if (!details) throw new SessionsError('SESSION_GONE', 'The session has ended.');
    return viewOf(details);
  }

  @Delete()
  @HttpCode(204)
  async end(@CurrentSession() session: Session): Promise<void> {
    await this.sessions.end(session);
  }
}
