import {
  Body,
  Controller,
  HttpCode,
  Inject,
  NotFoundException,
  Post,
  UnauthorizedException,
} from '@nestjs/common';
import { CurrentSession, Session, SessionService } from 'nest-sessions';
import { DemoUsers } from './demo-users.js';
import { LoginRequest } from './login.request.js';

@Controller()
export class LoginController {
  constructor(
    @Inject(SessionService) private readonly sessions: SessionService,
    @Inject(DemoUsers) private readonly users: DemoUsers,
  ) {}

  @Post('login')
  @HttpCode(204)
  async login(@CurrentSession() session: Session, @Body() { user, password }: LoginRequest): Promise<void> {
    if (this.users.areNone) throw new NotFoundException('This server has no users (DEMO_USERS).');
    if (!this.users.has(user, password)) throw new UnauthorizedException('Wrong user or password.');
    await this.sessions.login(session, user);
  }

  /** Ends the user's sessions on other devices. */
  @Post('logout-others')
  @HttpCode(200)
  async logoutOthers(@CurrentSession() session: Session): Promise<{ ended: number }> {
    if (session.userId === null) throw new UnauthorizedException('Log in first.');
    return { ended: await this.sessions.endAllOf(session.userId, { except: session }) };
  }
}
