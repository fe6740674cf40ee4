import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { SessionsCore } from '../../core/core.js';
import { hasCode } from '../../domain/errors.js';
import { CommandFailure, EXIT } from '../output/command-failure.js';
import { SessionsAccess } from './sessions-access.js';

/** Configured by the environment alone. Imports and connects on demand: help and usage errors need no store. */
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
      import('../../core/clock/system-clock.js'),
    ]);
    const config = resolveConfig();
    if (config.store === 'memory') {
      const message =
        "SESSION_STORE is memory: commands cannot reach the server's memory, use the admin endpoints";
      throw new CommandFailure(EXIT.storeUnreachable, message);
    }
    const clock = new AnchoredClock();
    try {
      return await startCore({ config, clock, role: 'cli', logFor: (part) => new Logger(part) });
    } catch (error) {
      const failure = CommandFailure.from(error);
      if (failure.exitCode !== EXIT.storeUnreachable) throw failure;
      const isOfRedis = config.store === 'redis' && !hasCode(error, 'STORAGE_UNAVAILABLE');
      const settings = isOfRedis
        ? 'check SESSION_REDIS_URL and SESSION_REDIS_PREFIX'
        : `SESSION_STORAGE_PATH is ${config.storagePath}`;
      const hint = hasCode(error, 'STORE_UNAVAILABLE') ? '; does the server use the same?' : '';
      throw new CommandFailure(failure.exitCode, `${failure.message} (${settings}${hint})`, { cause: error });
    }
  }
}
