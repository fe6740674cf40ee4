import type { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';

const LINGER_MS = 5000;
const LINGER_BYTES = 16 * 1024 * 1024;

/**
 * To be called before a request is answered whose body was not read to its end: tells the client that the connection
 * closes, and takes the rest of what it sends for a while, to throw it away. Without that the system answers the rest
 * with a reset, which overtakes the response: the client would see a broken connection, not why.
 */
export function refuseRest(request: IncomingMessage, response: ServerResponse): void {
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
  // With the last byte of such a response Node destroys the socket, unread bytes or not: here it only says goodbye.
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
