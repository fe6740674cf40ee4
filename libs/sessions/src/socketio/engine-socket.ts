import type { Socket } from 'socket.io';

/** The connection beneath the sockets of a client, one for all its namespaces: long polling, then a WebSocket. */
export type EngineSocket = Socket['conn'];

/** What the WebSocket of a connection can do, by whatever package. */
interface RawWebSocket {
  readonly bufferedAmount: number;
  terminate(): void;
  once(event: 'close', listener: () => void): unknown;
}

/** Time for a client to take its last messages and close, before its connection is cut. */
const CLOSE_WITHIN_MS = 1000;

/** The WebSocket that the connection has become; `undefined` while it polls. */
export function webSocketOf({ transport }: EngineSocket): RawWebSocket | undefined {
  return transport.name === 'websocket'
    ? (transport as typeof transport & { socket: RawWebSocket }).socket
    : undefined;
}

/** Resolves when the connection is closed. What was sent before goes out first, if the client takes it within a second. */
export async function closeEngine(engine: EngineSocket): Promise<void> {
  if (engine.readyState === 'closed') return;
  const { transport } = engine;
  const webSocket = webSocketOf(engine);
  const closed = new Promise<void>((resolve) => void (webSocket ?? engine).once('close', resolve));
  const timeout = setTimeout(() => cutEngine(engine), CLOSE_WITHIN_MS);
  // A polling client is told by the answer to a poll for which nothing else is left: engine.io itself would wait 30 s for it.
  const closeIfPolled = (): void => {
    if (transport.writable) engine.close();
  };
  if (webSocket) engine.close();
  else {
    transport.on('ready', closeIfPolled);
    closeIfPolled();
  }
  await closed;
  clearTimeout(timeout);
}

/** Closes the connection at once: what was sent before is lost. */
export function cutEngine(engine: EngineSocket): void {
  webSocketOf(engine)?.terminate();
  engine.close(true);
}
