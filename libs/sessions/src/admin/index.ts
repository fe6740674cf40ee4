export { AdminTokenGuard } from './admin-token.guard.js';
export { SessionsAdminModule } from './sessions-admin.module.js';
