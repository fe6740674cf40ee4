import type { WebSocket } from 'ws';

/** Time for a peer to answer the close before its connection is terminated. */
const CLOSE_WITHIN_MS = 1000;

/** Resolves when the connection is closed. */
export async function closeSocket(socket: WebSocket, code: number, text: string): Promise<void> {
  if (socket.readyState === socket.CLOSED) return;
  const closed = new Promise((resolve) => socket.once('close', resolve));
  const timeout = setTimeout(() => socket.terminate(), CLOSE_WITHIN_MS);
  socket.close(code, text);
  await closed;
  clearTimeout(timeout);
}
