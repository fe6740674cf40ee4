import { Inject, Injectable, Logger, SetMetadata, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { networkOf } from '../../core/config/client-address.js';
import { SessionsCore } from '../../core/core.js';
import { RateLimiter } from '../../core/rates/rate-limiter.js';
import { SessionsError } from '../../domain/errors.js';
import { isUuid } from '../../domain/ids.js';
import type { AuditDeed } from '../../domain/journal/audit-entry.js';
import { addressOf } from '../../http/client/client-reader.js';
import type { PlatformRequest } from '../../http/platform-message.js';
import { OperatorDeeds } from '../../operate/journal/operator-deeds.js';
import type { AdminCredential } from './admin-credential.js';

const DEED_METADATA = 'nest-sessions:admin-deed';
const READING: ReadonlySet<string> = new Set(['GET', 'HEAD']);

/** Refused deeds of a token that are entered in any minute: whoever may only look must not fill the audit. */
const MOST_ENTERED = 10;
const MINUTE_MS = 60_000;

/** What a handler does, for the audit, which has refused deeds too. */
export const Deed = (deed: AuditDeed): MethodDecorator => SetMetadata(DEED_METADATA, deed);

interface WriteRequest extends PlatformRequest {
  readonly method: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

/** Keeps tokens that may only look from every request but GET and HEAD. */
@Injectable()
export class WriteGate {
  private readonly logger = new Logger('SessionsAdmin');
  private readonly entered: RateLimiter;

  constructor(
    @Inject(SessionsCore) private readonly core: SessionsCore,
    @Inject(Reflector) private readonly reflector: Reflector,
  ) {
    this.entered = new RateLimiter(core.store.rates, core.clock, this.logger, 'memory');
  }

  /** @throws SessionsError `ADMIN_READ_ONLY` */
  async check(context: ExecutionContext, { keyId, access }: AdminCredential): Promise<void> {
    const request = context.switchToHttp().getRequest<WriteRequest>();
    if (access === 'full' || READING.has(request.method)) return;
    await this.enter(context, request, keyId);
    throw new SessionsError('ADMIN_READ_ONLY', 'This admin token may only read: use one of adminTokens.');
  }

  private async enter(context: ExecutionContext, request: WriteRequest, keyId: string): Promise<void> {
    // Routes of an application have none.
    const deed = this.reflector.get<AuditDeed | undefined>(DEED_METADATA, context.getHandler());
    if (deed === undefined) return;
    const window = { limit: MOST_ENTERED, windowMs: MINUTE_MS, blockMs: null };
    const { retryAfterMs } = await this.entered.count({ key: `admin-read:${keyId}`, ...window });
    if (retryAfterMs !== null) return;
    const requester = { by: { kind: 'admin', keyId }, network: networkOf(addressOf(request)) } as const;
    const id = request.params?.['session_id'];
    await new OperatorDeeds(this.core, requester, this.logger).noteForbidden(deed, isUuid(id) ? id : null);
  }
}
