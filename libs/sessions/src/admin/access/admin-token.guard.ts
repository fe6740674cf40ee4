import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { addressOf } from '../../http/client/client-reader.js';
import type { PlatformRequest } from '../../http/platform-message.js';
import { AdminAccess } from './admin-access.js';
import { AdminAnswers, unknownRoute } from './admin-answers.js';
import { noteCredential } from './admin-credential.js';
import { WriteGate } from './write-gate.js';

/**
 * Admits requests with a configured admin token in the header `X-Admin-Token`. Other requests get 401, whether the token
 * is missing or wrong, and 429 after ten failures of their network in a minute; a right token is admitted all the same. A token of
 * `adminReadTokens` is admitted to GET and HEAD alone: 403 `ADMIN_READ_ONLY` otherwise. If no token is configured, guarded routes
 * answer 404, like routes that do not exist.
 *
 * To guard your own controllers, import `SessionsAdminModule` and add `@UseGuards(AdminTokenGuard)` and
 * `@SkipSession()`, since operators need no session.
 */
@Injectable()
export class AdminTokenGuard implements CanActivate {
  constructor(
    @Inject(AdminAccess) private readonly access: AdminAccess,
    @Inject(WriteGate) private readonly writes: WriteGate,
    @Inject(AdminAnswers) private readonly answers: AdminAnswers,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<PlatformRequest>();
    const response = context.switchToHttp().getResponse<unknown>();
    if (!this.access.isOn) throw unknownRoute(request);
    this.answers.begin(response);
    const admission = await this.access.admitRequest(request, addressOf(request));
    const credential = this.answers.requireAdmitted(admission, request, response);
    noteCredential(request, credential);
    await this.writes.check(context, credential);
    return true;
  }
}
