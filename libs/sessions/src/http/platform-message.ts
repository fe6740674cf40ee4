import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';

/** The common part of Express and Fastify requests. A plain Node request, as middleware gets it, fits too. */
export interface PlatformRequest {
  readonly headers: IncomingHttpHeaders;
  /** The client's address, by the framework's own proxy trust setting. */
  readonly ip?: string;
  /** `https` if the framework considers the client's connection secure. */
  readonly protocol?: string;
  /** The target as the client sent it, before a router cut off a prefix. */
  readonly originalUrl?: string;
  /** The host that the client asked for, without port, by the framework's own proxy trust setting. */
  readonly hostname?: string;
  readonly raw?: IncomingMessage;
}

/** The common part of Express and Fastify responses. */
export type PlatformResponse = object & { readonly raw?: ServerResponse };

/** Node's own request beneath the framework's: guards, interceptors and middleware all share this one object. */
export function nodeRequest(request: PlatformRequest): IncomingMessage {
  return request.raw ?? (request as PlatformRequest & IncomingMessage);
}

/** Node's own response beneath the framework's. */
export function nodeResponse(response: PlatformResponse): ServerResponse {
  return response.raw ?? (response as PlatformResponse & ServerResponse);
}
