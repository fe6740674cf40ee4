import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';

/** What requests of Express and Fastify have in common; a bare Node request that a middleware saw will do too. */
export interface PlatformRequest {
  readonly headers: IncomingHttpHeaders;
  /** The client's address, as the framework tells it by its own trust setting. */
  readonly ip?: string;
  /** `https` where the framework takes the client's connection for a secure one. */
  readonly protocol?: string;
  /** The target as the client asked for it, where a router has cut something off since. */
  readonly originalUrl?: string;
  readonly raw?: IncomingMessage;
}

/** What responses of Express and Fastify have in common. */
export type PlatformResponse = object & { readonly raw?: ServerResponse };

/** Node's own request beneath the framework's: the one object that all who see a request share. */
export function nodeRequest(request: PlatformRequest): IncomingMessage {
  return request.raw ?? (request as PlatformRequest & IncomingMessage);
}

/** Node's own response beneath the framework's. */
export function nodeResponse(response: PlatformResponse): ServerResponse {
  return response.raw ?? (response as PlatformResponse & ServerResponse);
}
