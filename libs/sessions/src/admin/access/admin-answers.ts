import {
  HttpException,
  HttpStatus,
  Inject,
  Injectable,
  NotFoundException,
  UnauthorizedException,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { nodeRequest, type PlatformRequest } from '../../http/platform-message.js';
import type { Admission } from './admin-access.js';
import type { AdminCredential } from './admin-credential.js';

const HEADERS = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
};
/** JSON is nothing to be shown. */
const NOTHING = "default-src 'none'; frame-ancestors 'none'";

/** What the answers of all admin routes have in common. */
@Injectable()
export class AdminAnswers {
  constructor(@Inject(HttpAdapterHost) private readonly host: HttpAdapterHost) {}

  /** Sets the headers. `policy` says what a page may load. */
  begin(response: unknown, policy: string = NOTHING): void {
    for (const [name, value] of Object.entries(HEADERS)) this.setHeader(response, name, value);
    this.setHeader(response, 'Content-Security-Policy', policy);
  }

  setHeader(response: unknown, name: string, value: string): void {
    this.host.httpAdapter.setHeader(response, name, value);
  }

  /** @throws HttpException 401, 404 or 429 */
  requireAdmitted(admission: Admission, request: PlatformRequest, response: unknown): AdminCredential {
    if (admission.kind === 'admitted') return admission;
    if (admission.kind === 'off') throw unknownRoute(request);
    if (admission.kind === 'refused') throw new UnauthorizedException();
    this.setHeader(response, 'Retry-After', String(admission.retryAfterSeconds));
    throw new HttpException('Too Many Requests', HttpStatus.TOO_MANY_REQUESTS);
  }
}

/** The same text as Nest's own 404. */
export function unknownRoute(request: PlatformRequest): NotFoundException {
  const { method, url } = nodeRequest(request);
  return new NotFoundException(`Cannot ${method} ${request.originalUrl ?? url}`);
}
