import {
  BadRequestException,
  Delete,
  Get,
  HttpCode,
  HttpStatus,
  Inject,
  Post,
  Req,
  Res,
  UnauthorizedException,
} from '@nestjs/common';
import { addressOf } from '../../http/client/client-reader.js';
import { jsonBodyOf } from '../../http/json-body.js';
import type { PlatformRequest, PlatformResponse } from '../../http/platform-message.js';
import { timeOf } from '../../operate/units.js';
import { AdminAccess } from '../access/admin-access.js';
import { AdminAnswers } from '../access/admin-answers.js';
import { AdminPageController } from './admin-page-controller.decorator.js';
import { requireOwnPage, SignIns } from './sign-ins.js';

const MOST_CHARACTERS = 256;

/** Signs an operator in, with a cookie of eight hours, and out. The cookie is for the admin routes: see `SignIns`. */
@AdminPageController()
export class SignInController {
  constructor(
    @Inject(AdminAccess) private readonly access: AdminAccess,
    @Inject(AdminAnswers) private readonly answers: AdminAnswers,
    @Inject(SignIns) private readonly signIns: SignIns,
  ) {}

  /** Wrong tokens count together with those of the header `X-Admin-Token`. */
  @Post()
  @HttpCode(HttpStatus.NO_CONTENT)
  async signIn(
    @Req() request: PlatformRequest,
    @Res({ passthrough: true }) response: PlatformResponse,
  ): Promise<void> {
    requireOwnPage(request);
    const admission = await this.access.admit(tokenIn(await jsonBodyOf(request)), addressOf(request));
    this.signIns.begin(request, response, this.answers.requireAdmitted(admission, request, response));
  }

  @Delete()
  @HttpCode(HttpStatus.NO_CONTENT)
  signOut(@Req() request: PlatformRequest, @Res({ passthrough: true }) response: PlatformResponse): void {
    requireOwnPage(request);
    this.signIns.end(request, response);
  }

  /** Who is signed in. Nobody: 401, which counts as no failure, since every visit begins with it. */
  @Get('me')
  me(@Req() request: PlatformRequest) {
    const signIn = this.signIns.read(request);
    if (!signIn) throw new UnauthorizedException();
    const { access, keyId, csrf, expiresAt } = signIn;
    return { access, key_id: keyId, csrf, expires_at: timeOf(expiresAt) };
  }
}

function tokenIn(body: unknown): string {
  const token = typeof body === 'object' && body !== null ? (body as { token?: unknown }).token : undefined;
  if (typeof token === 'string' && token !== '' && token.length <= MOST_CHARACTERS) return token;
  throw new BadRequestException([`token must be a text of 1 to ${MOST_CHARACTERS} characters`]);
}
