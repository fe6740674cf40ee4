import type { CallHandler, NestInterceptor } from '@nestjs/common';
import { listen, moduleOf, sessionController } from './nest-app.ts';
import type { RunningServer, ServerSetup } from './server.ts';

const ID = '00000000-0000-4000-8000-000000000000';

class NoInterceptor implements NestInterceptor {
  intercept(_context: unknown, next: CallHandler) {
    return next.handle();
  }
}

/** Nest with a handler and nothing else, or with one interceptor that does nothing. */
export async function startPlain({ adapter }: ServerSetup, withInterceptor: boolean): Promise<RunningServer> {
  const controller = sessionController((request: { id?: string }) => ({ id: request.id === ID ? '' : ID }));
  const { app, port } = await listen(adapter, moduleOf([controller]), (app) => {
    if (withInterceptor) app.useGlobalInterceptors(new NoInterceptor());
  });
  return { port, stop: () => app.close() };
}
