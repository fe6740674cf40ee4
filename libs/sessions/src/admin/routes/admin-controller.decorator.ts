import { applyDecorators, Controller, UseGuards, VERSION_NEUTRAL } from '@nestjs/common';
import { SkipSession } from '../../http/session/skip-session.decorator.js';
import { AdminTokenGuard } from '../access/admin-token.guard.js';

/** A controller of admin routes: operators alone are admitted, and their requests open and touch no session. */
export function AdminController(): ClassDecorator {
  return applyDecorators(
    Controller({ path: 'admin/sessions', version: VERSION_NEUTRAL }),
    SkipSession(),
    UseGuards(AdminTokenGuard),
  );
}
