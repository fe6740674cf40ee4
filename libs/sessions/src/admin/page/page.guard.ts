import { Inject, Injectable, Optional, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { PlatformRequest } from '../../http/platform-message.js';
import { AdminAccess } from '../access/admin-access.js';
import { AdminAnswers, unknownRoute } from '../access/admin-answers.js';
import { PageFiles } from './page-files.js';

/** Nothing inline, nothing from elsewhere, in nobody's frame. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Admits everybody to the page and its form; 404 without `SessionsAdminPageModule`, and where no admin token is configured. */
@Injectable()
export class PageGuard implements CanActivate {
  constructor(
    @Inject(AdminAccess) private readonly access: AdminAccess,
    @Inject(AdminAnswers) private readonly answers: AdminAnswers,
    @Optional() @Inject(PageFiles) private readonly files: PageFiles | null,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<PlatformRequest>();
    if (!this.files || !this.access.isOn) throw unknownRoute(request);
    this.answers.begin(context.switchToHttp().getResponse(), POLICY);
    return true;
  }
}
