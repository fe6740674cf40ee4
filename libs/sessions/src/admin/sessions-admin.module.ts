import { Global, Module } from '@nestjs/common';
import { AdminAccess } from './admin-access.js';
import { AdminTokenGuard } from './admin-token.guard.js';
import { SessionsAdminController } from './sessions-admin.controller.js';

/**
 * The admin endpoints, under `/admin/sessions`, for whoever has a token of the setting `adminTokens` (`ADMIN_TOKEN`).
 * Import it once, beside `SessionsModule`; `AdminTokenGuard` then serves everywhere in the application.
 */
@Global()
@Module({
  controllers: [SessionsAdminController],
  providers: [AdminAccess, AdminTokenGuard],
  exports: [AdminAccess, AdminTokenGuard],
})
export class SessionsAdminModule {}
