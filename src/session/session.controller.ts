import { Controller, Delete, Get, HttpCode, Inject } from '@nestjs/common';
import {
  CurrentSession,
  Session,
  SESSIONS_CONFIG,
  SessionService,
  SessionsError,
  type SessionsConfig,
} from 'nest-sessions';
import { DemoUsers } from '../login/demo-users.js';
import { viewOf } from './session.view.js';

/** The caller's own session. */
@Controller('session')
export class SessionController {
  constructor(
    private readonly sessions: SessionService,
    private readonly users: DemoUsers,
    @Inject(SESSIONS_CONFIG) private readonly config: SessionsConfig,
  ) {}

  @Get()
  async show(@CurrentSession() session: Session) {
    const details = await this.sessions.describe(session);
    if (!details) throw new SessionsError('SESSION_GONE', 'The session has ended.');
    return viewOf(details, this.config.limits, !this.users.areNone);
  }

  @Delete()
  @HttpCode(204)
  async end(@CurrentSession() session: Session): Promise<void> {
    await this.sessions.end(session);
  }
}
