import { Global, Module } from '@nestjs/common';
import { AdminAccess } from './access/admin-access.js';
import { AdminTokenGuard } from './access/admin-token.guard.js';
import { WriteGate } from './access/write-gate.js';
import { EndsAdminController } from './ends-admin.controller.js';
import { ReportsAdminController } from './reports-admin.controller.js';
import { SessionsAdminController } from './sessions-admin.controller.js';

/**
 * The admin endpoints under `/admin/sessions`. They require a token of the option `adminTokens` (`ADMIN_TOKEN`); to read, one of
 * `adminReadTokens` is enough. Import it once, beside `SessionsModule`; it is global, so every module of the application can use
 * `AdminTokenGuard`.
 */
@Global()
@Module({
  // In this order: a router that takes the first match must not take `metrics` for an id.
  controllers: [ReportsAdminController, EndsAdminController, SessionsAdminController],
  providers: [AdminAccess, WriteGate, AdminTokenGuard],
  exports: [AdminAccess, WriteGate, AdminTokenGuard],
})
export class SessionsAdminModule {}
