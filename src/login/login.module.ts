import { Module } from '@nestjs/common';
import { DemoUsers } from './demo-users.js';
import { LoginController } from './login.controller.js';

@Module({
  controllers: [LoginController],
  providers: [{ provide: DemoUsers, useFactory: () => new DemoUsers(process.env['DEMO_USERS'] ?? '') }],
  exports: [DemoUsers],
})
export class LoginModule {}
