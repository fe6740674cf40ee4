import type { ServerResponse } from 'node:http';
import { Backpressure } from '../http/stream/backpressure.js';
import { cutEngine, webSocketOf, type EngineSocket } from './engine-socket.js';

/** What engine.io passes on before it puts a packet into its buffer. */
interface CreatedPacket {
  readonly data?: string | ArrayBufferView | ArrayBuffer;
}

/** Cuts the connection of a client that stays too far behind, so that the client may connect again. */
export class EngineBackpressure {
  private readonly backpressure = new Backpressure();
  /** Answers to polls that the client has not read. */
  private readonly answers = new Set<ServerResponse>();
  /** Bytes that no transport has taken. */
  private waitingBytes = 0;

  constructor(private readonly engine: EngineSocket) {
    engine.on('packetCreate', ({ data }: CreatedPacket) => {
      if (this.backpressure.isTooMuch(this.pendingBytes)) cutEngine(engine);
      this.waitingBytes += bytesOf(data);
    });
    engine.on('flush', () => {
      this.waitingBytes = 0;
    });
  }

  /** The client polls, and is behind until it has read the answer. */
  addAnswer(answer: ServerResponse): void {
    this.answers.add(answer);
    answer.once('close', () => this.answers.delete(answer));
  }

  private get pendingBytes(): number {
    let bytes = this.waitingBytes + (webSocketOf(this.engine)?.bufferedAmount ?? 0);
    for (const answer of this.answers) bytes += answer.writableLength;
    return bytes;
  }
}

function bytesOf(data: CreatedPacket['data']): number {
  return data === undefined ? 0 : typeof data === 'string' ? Buffer.byteLength(data) : data.byteLength;
}
