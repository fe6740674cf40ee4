import {
  BadRequestException,
  HttpCode,
  HttpStatus,
  Inject,
  Logger,
  NotFoundException,
  Param,
  Post,
  Query,
  Req,
  Res,
  type OnModuleDestroy,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { networkOf } from '../../core/config/client-address.js';
import { SessionsCore } from '../../core/core.js';
import { isUuid } from '../../domain/ids.js';
import { addressOf } from '../../http/client/client-reader.js';
import { jsonBodyOf } from '../../http/json-body.js';
import type { PlatformRequest } from '../../http/platform-message.js';
import { planBulk, runBulk } from '../../operate/bulk/bulk.js';
import { bulkView } from '../../operate/bulk/bulk-view.js';
import { readBulkRequest, targetOf } from '../../operate/bulk/bulk.query.js';
import { OperatorDeeds } from '../../operate/journal/operator-deeds.js';
import { endedView } from '../../operate/views/cleanup-views.js';
import { operatorOf } from '../access/admin-credential.js';
import { Deed } from '../access/write-gate.js';
import { AdminController } from './admin-controller.decorator.js';

/** Ends sessions for operators. */
@AdminController()
export class EndsAdminController implements OnModuleDestroy {
  private readonly logger = new Logger('SessionsAdmin');
  private readonly stopping = new AbortController();

  constructor(
    @Inject(SessionsCore) private readonly core: SessionsCore,
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
  ) {}

  /** A shutdown ends bulk runs after the ends that are under way. */
  onModuleDestroy(): void {
    this.stopping.abort();
  }

  /**
   * Ends many, or with `dry_run` tells which. A client that goes away stops nothing: the audit has what was done. 202 if nodes with
   * files are away or late.
   */
  @Post('cleanup')
  @Deed('end-many')
  @HttpCode(200)
  async cleanupMany(
    @Query() parameters: object,
    @Req() request: PlatformRequest,
    @Res({ passthrough: true }) response: object,
  ) {
    refuseParameters(parameters);
    const read = readBulkRequest(await jsonBodyOf(request), this.core.clock.now());
    if (read.kind === 'invalid') throw new BadRequestException(read.faults);
    const { isDryRun, asOf } = read.query;
    const target = await targetOf(this.core, read.query);
    if (isDryRun) return bulkView(await planBulk(this.core, target, { asOf }), true);
    const { signal } = this.stopping;
    const report = await runBulk(this.core, this.deedsOf(request), target, { asOf, signal });
    if (report.pending) this.answerAccepted(response);
    return bulkView(report, false);
  }

  /** Answers after the files are deleted and the streams closed; 202 if a node with files is away or late. */
  @Post(':session_id/cleanup')
  @Deed('end')
  @HttpCode(200)
  async cleanup(
    @Param('session_id') id: string,
    @Query() parameters: object,
    @Req() request: PlatformRequest,
    @Res({ passthrough: true }) response: object,
  ) {
    refuseParameters(parameters);
    const ended = isUuid(id) ? await this.deedsOf(request).end(id) : null;
    if (!ended) throw new NotFoundException('No live session has this id.');
    const { unfinished, pending } = ended;
    if (unfinished) throw unfinished;
    if (pending) this.answerAccepted(response);
    return endedView(ended);
  }

  private deedsOf(request: PlatformRequest): OperatorDeeds {
    const requester = { by: operatorOf(request), network: networkOf(addressOf(request)) };
    return new OperatorDeeds(this.core, requester, this.logger);
  }

  private answerAccepted(response: object): void {
    this.host.httpAdapter.status(response, HttpStatus.ACCEPTED);
  }
}

/** Whoever writes `?dry_run=true` means to end nothing. */
function refuseParameters(parameters: object): void {
  if (Object.keys(parameters).length > 0)
    throw new BadRequestException(['the URL takes no parameters: what is asked for is in the JSON body']);
}
