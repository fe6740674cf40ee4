import type { IncomingMessage } from 'node:http';
import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { SessionResolver } from 'nest-sessions';
import { tap, type Observable } from 'rxjs';
import { Progress, type UploadState } from '../live/progress.js';

const EVERY_MS = 100;

/** Tells a session how far its upload is. Stands before the upload interceptor, which takes the bytes. */
@Injectable()
export class UploadProgressInterceptor implements NestInterceptor {
  constructor(
    private readonly resolver: SessionResolver,
    private readonly progress: Progress,
  ) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const http = context.switchToHttp();
    const session = await this.resolver.require(http.getRequest(), http.getResponse());
    const meter = new UploadMeter(http.getRequest<IncomingMessage | { raw: IncomingMessage }>());
    const tell = (state: UploadState): void =>
      this.progress.tell(session.id, { kind: 'upload', state, ...meter.read() });
    tell('started');
    const timer = setInterval(() => meter.hasMoved && tell('progress'), EVERY_MS);
    const settle = (state: UploadState): void => {
      clearInterval(timer);
      tell(state);
    };
    // What is thrown before the handler runs (the upload interceptor's refusals) comes through here too.
    return next.handle().pipe(tap({ error: () => settle('failed'), complete: () => settle('finished') }));
  }
}

/** Watches the bytes of a request go by, and leaves them to whoever reads them. */
class UploadMeter {
  private readonly totalBytes: number | null;
  private receivedBytes = 0;
  private lastRead = 0;

  constructor(message: IncomingMessage | { raw: IncomingMessage }) {
    const request = 'raw' in message ? message.raw : message;
    const length = Number(request.headers['content-length'] ?? Number.NaN);
    this.totalBytes = Number.isNaN(length) ? null : length;
    // To listen is to set the bytes flowing, unless the request was paused by hand before.
    request.pause().on('data', (chunk: Buffer) => (this.receivedBytes += chunk.length));
  }

  /** Whether anything came since it was read. */
  get hasMoved(): boolean {
    return this.receivedBytes > this.lastRead;
  }

  /** What came since the request began; `total_bytes` is what its client said, `null` if nothing. */
  read(): { received_bytes: number; total_bytes: number | null } {
    this.lastRead = this.receivedBytes;
    return { received_bytes: this.receivedBytes, total_bytes: this.totalBytes };
  }
}
