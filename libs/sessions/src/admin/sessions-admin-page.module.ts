import { Global, Inject, Module } from '@nestjs/common';
import { AdminAccess } from './access/admin-access.js';
import { PageFiles } from './page/page-files.js';
import { SignIns } from './page/sign-ins.js';
import { SessionsAdminModule } from './sessions-admin.module.js';

/**
 * The admin page at `/admin/sessions/ui`, for a browser over https or on localhost: operators sign in with a token of `adminTokens`, or to
 * look with one of `adminReadTokens`. Import it once; it brings `SessionsAdminModule` along. While a browser is signed in, its
 * cookie of eight hours counts on the admin endpoints as the header `X-Admin-Token` does.
 */
@Global()
@Module({ imports: [SessionsAdminModule], providers: [PageFiles], exports: [PageFiles] })
export class SessionsAdminPageModule {
  constructor(@Inject(AdminAccess) access: AdminAccess, @Inject(SignIns) signIns: SignIns) {
    access.readAlso((request) => signIns.read(request));
  }
}
