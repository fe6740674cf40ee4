import {
  BadRequestException,
  HttpException,
  PayloadTooLargeException,
  UnsupportedMediaTypeException,
} from '@nestjs/common';
import { JSON_TYPE, refuseEmptyJson } from './empty-json.js';
import { nodeRequest, type PlatformRequest } from './platform-message.js';

/** Bytes of a body that no parser of the application has read. Fastify's own limit is the same. */
const MAX_BYTES = 1_048_576;

/**
 * The JSON that a request brought: as the application's parser read it, or read here if the application has none.
 * @throws HttpException 400 for no body and for what is no JSON, 413 beyond 1 MiB, 415 for another media type
 */
export async function jsonBodyOf(request: PlatformRequest & { readonly body?: unknown }): Promise<unknown> {
  refuseEmptyJson(request);
  if (!JSON_TYPE.test(nodeRequest(request).headers['content-type'] ?? ''))
    throw new UnsupportedMediaTypeException('The body must be JSON: send Content-Type: application/json.');
  if (request.body !== undefined) return request.body;
  const text = await textOf(request);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new BadRequestException('The body is not valid JSON.');
  }
}

async function textOf(request: PlatformRequest): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    // The connection must live for the answer.
    const body: AsyncIterable<Buffer> = nodeRequest(request).iterator({ destroyOnReturn: false });
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes > MAX_BYTES) throw new PayloadTooLargeException(`The body has more than ${MAX_BYTES} bytes.`);
      chunks.push(chunk);
    }
  } catch (cause) {
    if (cause instanceof HttpException) throw cause;
    throw new BadRequestException('The body ended early.', { cause });
  }
  return Buffer.concat(chunks).toString();
}
