import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { SessionsCore } from '../../core/core.js';
import { hasCode } from '../../domain/errors.js';
import { CommandFailure, EXIT } from '../output/command-failure.js';
import { SessionsAccess } from './sessions-access.js';

/**
 * On the environment's settings alone. It loads and connects only when a command asks for it: help and wrong options
 * are answered wherever one is, and at once.
 */
@Injectable()
export class EnvironmentSessionsAccess extends SessionsAccess implements OnApplicationShutdown {
  private core: SessionsCore | null = null;

  override async open(): Promise<SessionsCore> {
    this.core ??= await this.connect();
    return this.core;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.core?.quiesce();
    await this.core?.stop();
  }

  private async connect(): Promise<SessionsCore> {
    const [{ resolveConfig }, { startCore }, { AnchoredClock }] = await Promise.all([
      import('../../core/config/config.js'),
      import('../../assembly/start-core.js'),
      import('../../core/process/system-clock.js'),
    ]);
    const config = resolveConfig();
    if (config.store === 'memory') {
      const message =
        'the sessions are in the memory of the server (SESSION_STORE is memory): no other process reaches them';
      throw new CommandFailure(EXIT.storeUnreachable, message);
    }
    const clock = new AnchoredClock();
    try {
      return await startCore({ config, clock, role: 'cli', logFor: (part) => new Logger(part) });
    } catch (error) {
      const failure = CommandFailure.from(error);
      if (failure.exitCode !== EXIT.storeUnreachable) throw failure;
      const isOfRedis = config.store === 'redis' && !hasCode(error, 'STORAGE_UNAVAILABLE');
      const place = isOfRedis
        ? 'SESSION_REDIS_URL and SESSION_REDIS_PREFIX tell where it is'
        : `SESSION_STORAGE_PATH is ${config.storagePath}`;
      const reason = hasCode(error, 'STORE_UNAVAILABLE') ? ', as the server has it?' : '';
      throw new CommandFailure(failure.exitCode, `${failure.message} (${place}${reason})`, { cause: error });
    }
  }
}
