import { applyDecorators, Controller, UseGuards, VERSION_NEUTRAL } from '@nestjs/common';
import { SkipSession } from '../../http/session/skip-session.decorator.js';
import { PageGuard } from './page.guard.js';

/** A controller of the page's own routes. They are open to everybody, and open and touch no session. */
export function AdminPageController(): ClassDecorator {
  return applyDecorators(
    Controller({ path: 'admin/sessions/ui', version: VERSION_NEUTRAL }),
    SkipSession(),
    UseGuards(PageGuard),
  );
}
