import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { SessionsHealthModule } from 'nest-sessions/health';
import { HealthController } from './health.controller.js';

@Module({ imports: [TerminusModule, SessionsHealthModule], controllers: [HealthController] })
export class HealthModule {}
