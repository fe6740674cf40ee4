import { Module } from '@nestjs/common';
import { EventsController } from './events.controller.js';
import { LiveGateway } from './live.gateway.js';
import { Progress } from './progress.js';

@Module({ controllers: [EventsController], providers: [Progress, LiveGateway], exports: [Progress] })
export class LiveModule {}
