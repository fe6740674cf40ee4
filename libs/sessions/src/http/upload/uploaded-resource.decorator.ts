import type { IncomingMessage } from 'node:http';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { ResourceRecord } from '../../domain/resource.js';
import { nodeRequest, type PlatformRequest } from '../platform-message.js';

const uploaded = new WeakMap<IncomingMessage, readonly ResourceRecord[]>();

/** @internal Remembers the uploads of a request for the parameters of its handler. */
export function keepUploaded(request: IncomingMessage, resources: readonly ResourceRecord[]): void {
  uploaded.set(request, resources);
}

function uploadedBy(context: ExecutionContext): readonly ResourceRecord[] {
  return uploaded.get(nodeRequest(context.switchToHttp().getRequest<PlatformRequest>())) ?? [];
}

/** The file that `UploadInterceptor` saved, the first of several; `null` if the request had none. */
export const UploadedResource = createParamDecorator(
  (_data: unknown, context: ExecutionContext): ResourceRecord | null => uploadedBy(context)[0] ?? null,
);

/** All files that `UploadInterceptor` saved, in the order of the body; empty if the request had none. */
export const UploadedResources = createParamDecorator(
  (_data: unknown, context: ExecutionContext): ResourceRecord[] => [...uploadedBy(context)],
);
