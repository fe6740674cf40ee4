import {
  HttpException,
  HttpStatus,
  Inject,
  Injectable,
  NotFoundException,
  UnauthorizedException,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { PlatformRequest } from '../../http/platform-message.js';
import { addressOf } from '../../http/client/client-reader.js';
import { AdminAccess } from './admin-access.js';
import { noteCredential } from './admin-credential.js';
import { WriteGate } from './write-gate.js';

const RESPONSE_HEADERS = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
};

interface AdminRequest extends PlatformRequest {
  readonly method: string;
  readonly url: string;
}

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
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<AdminRequest>();
    const response = context.switchToHttp().getResponse<unknown>();
    const admission = await this.access.admitRequest(request, addressOf(request));
    if (admission.kind === 'off') throw unknownRoute(request);
    for (const [name, value] of Object.entries(RESPONSE_HEADERS)) this.setHeader(response, name, value);
    if (admission.kind === 'admitted') {
      noteCredential(request, admission);
      await this.writes.check(context, admission);
      return true;
    }
    if (admission.kind === 'refused') throw new UnauthorizedException();
    this.setHeader(response, 'Retry-After', String(admission.retryAfterSeconds));
    throw new HttpException('Too Many Requests', HttpStatus.TOO_MANY_REQUESTS);
  }

  private setHeader(response: unknown, name: string, value: string): void {
    this.host.httpAdapter.setHeader(response, name, value);
  }
}

/** The same text as Nest's own 404. */
function unknownRoute({ method, originalUrl, url }: AdminRequest): NotFoundException {
  return new NotFoundException(`Cannot ${method} ${originalUrl ?? url}`);
}
