import { Global, Module } from '@nestjs/common';
import { AdminAccess } from './access/admin-access.js';
import { AdminTokenGuard } from './access/admin-token.guard.js';
import { SessionsAdminController } from './sessions-admin.controller.js';
import { WriteGate } from './access/write-gate.js';

/**
 * The admin endpoints under `/admin/sessions`. They require a token of the option `adminTokens` (`ADMIN_TOKEN`), or to look of `adminReadTokens`.
 * Import it once, beside `SessionsModule`; it is global, so every module of the application can use `AdminTokenGuard`.
 */
@Global()
@Module({
  controllers: [SessionsAdminController],
  providers: [AdminAccess, WriteGate, AdminTokenGuard],
  exports: [AdminAccess, WriteGate, AdminTokenGuard],
})
export class SessionsAdminModule {}
