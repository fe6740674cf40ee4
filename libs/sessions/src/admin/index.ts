export { AdminTokenGuard } from './access/admin-token.guard.js';
export { SessionsAdminModule } from './sessions-admin.module.js';
export { SessionsAdminPageModule } from './sessions-admin-page.module.js';
