import type { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';

const LINGER_MS = 5000;
const LINGER_BYTES = 16 * 1024 * 1024;

/**
 * Call it before answering a request whose body was not read to its end. It announces the close of the connection, then
 * reads and discards the rest of the body, up to 5 s and 16 MiB. Otherwise the system would answer the rest with a
 * reset, which overtakes the response: the client would see a broken connection instead of the error.
 */
export function drainRequest(request: IncomingMessage, response: ServerResponse): void {
  if (request.complete || request.destroyed || response.headersSent) {
    request.resume();
    return;
  }
  const { socket } = request;
  if (request.httpVersionMajor === 1 && socket instanceof Socket) linger(request, response, socket);
  request.resume();
}

function linger(request: IncomingMessage, response: ServerResponse, socket: Socket): void {
  response.setHeader('Connection', 'close');
  // Node would destroy the socket after such a response, despite unread bytes: half-close it instead.
  socket.destroySoon = () => void socket.end();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  timer.unref();
  let receivedBytes = 0;
  request.on('data', (chunk: Buffer) => {
    receivedBytes += chunk.length;
    if (receivedBytes > LINGER_BYTES) socket.destroy();
  });
  request.once('end', () => {
    clearTimeout(timer);
    Reflect.deleteProperty(socket, 'destroySoon');
    if (response.writableFinished) socket.destroySoon();
  });
  socket.once('close', () => clearTimeout(timer));
}
