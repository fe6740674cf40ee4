import type { IncomingMessage } from 'node:http';
import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { SessionResolver } from 'nest-sessions';
import { tap, type Observable } from 'rxjs';
import { Progress, type UploadState } from '../live/progress.js';

const EVERY_MS = 100;

/** Publishes the progress of an upload to its session. Put it before the upload interceptor, which reads the bytes. */
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
    const publish = (state: UploadState): void =>
      this.progress.publish(session.id, { kind: 'upload', state, ...meter.read() });
    publish('started');
    const timer = setInterval(() => meter.hasMoved && publish('progress'), EVERY_MS);
    const finish = (state: UploadState): void => {
      clearInterval(timer);
      publish(state);
    };
    // Errors before the handler runs (refusals by the upload interceptor) arrive here too.
    return next.handle().pipe(tap({ error: () => finish('failed'), complete: () => finish('finished') }));
  }
}

/** Counts the bytes of a request without consuming them. */
class UploadMeter {
  private readonly totalBytes: number | null;
  private receivedBytes = 0;
  private lastRead = 0;

  constructor(message: IncomingMessage | { raw: IncomingMessage }) {
    const request = 'raw' in message ? message.raw : message;
    const length = Number(request.headers['content-length'] ?? Number.NaN);
    this.totalBytes = Number.isNaN(length) ? null : length;
    // A `data` listener starts the flow of bytes, unless the request is paused explicitly.
    request.pause().on('data', (chunk: Buffer) => (this.receivedBytes += chunk.length));
  }

  /** Whether bytes have arrived since the last `read()`. */
  get hasMoved(): boolean {
    return this.receivedBytes > this.lastRead;
  }

  /** `total_bytes` is the length that the client declared; `null` if it declared none. */
  read(): { received_bytes: number; total_bytes: number | null } {
    this.lastRead = this.receivedBytes;
    return { received_bytes: this.receivedBytes, total_bytes: this.totalBytes };
  }
}
