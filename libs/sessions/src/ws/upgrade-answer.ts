import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { SessionsError } from '../domain/errors.js';
import { answerTo } from '../http/error-status.js';

/** The HTTP response to a refused upgrade. */
export interface UpgradeRefusal {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
}

export function refusalOf(status: number, retryAfterSeconds?: number): UpgradeRefusal {
  return {
    status,
    text: STATUS_CODES[status] ?? 'Refused',
    headers: retryAfterSeconds === undefined ? {} : { 'Retry-After': String(retryAfterSeconds) },
  };
}

export function refusalFor(error: unknown): UpgradeRefusal {
  if (!(error instanceof SessionsError)) return refusalOf(500);
  const { status, retryAfterSeconds } = answerTo(error);
  return refusalOf(status, retryAfterSeconds);
}

/** Answers an upgrade that has no WebSocket server to answer it. */
export function refuseUpgrade(socket: Duplex, { status, text }: UpgradeRefusal): void {
  socket.end(`HTTP/1.1 ${status} ${text}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () =>
    socket.destroy(),
  );
}
