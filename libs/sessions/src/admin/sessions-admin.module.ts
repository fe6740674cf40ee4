import { Global, Module } from '@nestjs/common';
import { AdminAccess } from './access/admin-access.js';
import { AdminAnswers } from './access/admin-answers.js';
import { AdminTokenGuard } from './access/admin-token.guard.js';
import { WriteGate } from './access/write-gate.js';
import { EndsAdminController } from './routes/ends-admin.controller.js';
import { ReportsAdminController } from './routes/reports-admin.controller.js';
import { LiveController } from './page/live.controller.js';
import { LiveLists } from './page/live-lists.js';
import { PageController } from './page/page.controller.js';
import { PageGuard } from './page/page.guard.js';
import { SignInController } from './page/sign-in.controller.js';
import { SignIns } from './page/sign-ins.js';
import { SessionsAdminController } from './routes/sessions-admin.controller.js';

/**
 * The admin endpoints under `/admin/sessions`. They require a token of the option `adminTokens` (`ADMIN_TOKEN`); to read, one of
 * `adminReadTokens` is enough. Import it once, beside `SessionsModule`; it is global, so every module of the application can use
 * `AdminTokenGuard`.
 */
@Global()
@Module({
  // In this order: a router that takes the first match must not take `ui` or `metrics` for an id. Those of the page answer 404
  // without `SessionsAdminPageModule`.
  controllers: [
    SignInController,
    LiveController,
    PageController,
    ReportsAdminController,
    EndsAdminController,
    SessionsAdminController,
  ],
  providers: [AdminAccess, AdminAnswers, WriteGate, AdminTokenGuard, SignIns, LiveLists, PageGuard],
  exports: [AdminAccess, AdminAnswers, WriteGate, AdminTokenGuard, SignIns],
})
export class SessionsAdminModule {}
