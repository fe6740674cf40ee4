import { Global, Module } from '@nestjs/common';
import { AdminAccess } from './access/admin-access.js';
import { AdminTokenGuard } from './access/admin-token.guard.js';
import { SessionsAdminController } from './sessions-admin.controller.js';

/**
 * The admin endpoints under `/admin/sessions`. They require a token of the option `adminTokens` (`ADMIN_TOKEN`).
 * Import it once, beside `SessionsModule`; it is global, so every module of the application can use `AdminTokenGuard`.
 */
@Global()
@Module({
  controllers: [SessionsAdminController],
  providers: [AdminAccess, AdminTokenGuard],
  exports: [AdminAccess, AdminTokenGuard],
})
export class SessionsAdminModule {}
