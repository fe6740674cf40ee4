import type { IncomingHttpHeaders } from 'node:http';
import {
  Inject,
  Injectable,
  UnauthorizedException,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { SessionsConfig } from '../core/config/config.js';
import { SecretMatcher } from '../core/config/secret-matcher.js';
import { SESSIONS_CONFIG } from '../core/config/tokens.js';

const BEARER = /^Bearer +(.+)$/i;

/** Requires the option `metricsToken` as a bearer token; if it is not configured, admits every request. */
@Injectable()
export class MetricsTokenGuard implements CanActivate {
  private readonly token: SecretMatcher | null;

  constructor(
    @Inject(SESSIONS_CONFIG) { metricsToken }: SessionsConfig,
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
  ) {
    this.token = metricsToken === null ? null : new SecretMatcher([metricsToken]);
  }

  canActivate(context: ExecutionContext): boolean {
    if (!this.token) return true;
    const { headers } = context.switchToHttp().getRequest<{ headers: IncomingHttpHeaders }>();
    const presented = BEARER.exec(headers.authorization ?? '')?.[1];
    if (this.token.matches(presented)) return true;
    this.host.httpAdapter.setHeader(context.switchToHttp().getResponse(), 'WWW-Authenticate', 'Bearer');
    throw new UnauthorizedException();
  }
}
