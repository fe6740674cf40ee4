import type { IncomingMessage, ServerResponse } from 'node:http';

const TIMED_OUT = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';

const deadlines = new WeakMap<IncomingMessage, NodeJS.Timeout>();

/** Closes the connection unless the body is complete within `withinMs`; with 408 if no response has begun. */
export function setBodyDeadline(request: IncomingMessage, response: ServerResponse, withinMs: number): void {
  const { headers } = request;
  if (headers['transfer-encoding'] === undefined && !(Number(headers['content-length']) > 0)) return;
  const deadline = setTimeout(() => {
    if (request.complete || request.destroyed) return;
    if (!response.headersSent) request.socket.write(TIMED_OUT);
    request.destroy();
  }, withinMs);
  deadline.unref();
  deadlines.set(request, deadline);
  request.once('close', () => clearTimeout(deadline));
}

/** For uploads: they may take any time while bytes arrive (option `uploadIdleSeconds`). */
export function liftBodyDeadline(request: IncomingMessage): void {
  clearTimeout(deadlines.get(request));
}
