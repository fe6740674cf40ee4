import type { IncomingMessage } from 'node:http';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FileBatch } from '../../core/resources/file-batch.js';
import type { ResourceRecord } from '../../domain/resource.js';
import { nodeRequest, type PlatformRequest } from '../platform-message.js';

/** The files of an upload, in the order of the body. */
export interface UploadedFiles extends ReadonlyArray<ResourceRecord> {
  /**
   * Gives the files their places in the session now, not when the handler has returned: for a handler that hands them to
   * another process. They are kept even if the handler fails afterwards.
   * @throws SessionsError `SESSION_GONE`, `SESSION_STALE`, `RESOURCE_GONE`, `STORE_UNAVAILABLE`
   */
  keep(): Promise<void>;
}

const uploaded = new WeakMap<IncomingMessage, FileBatch>();

/** @internal Remembers the uploads of a request for the parameters of its handler. */
export function noteUploads(request: IncomingMessage, batch: FileBatch): void {
  uploaded.set(request, batch);
}

function batchOf(context: ExecutionContext): FileBatch | undefined {
  return uploaded.get(nodeRequest(context.switchToHttp().getRequest<PlatformRequest>()));
}

/** The file that `UploadInterceptor` saved, the first of several; `null` if the request had none. */
export const UploadedResource = createParamDecorator(
  (_data: unknown, context: ExecutionContext): ResourceRecord | null => batchOf(context)?.files[0] ?? null,
);

/** All files that `UploadInterceptor` saved; empty if the request had none. */
export const UploadedResources = createParamDecorator(
  (_data: unknown, context: ExecutionContext): UploadedFiles => {
    const batch = batchOf(context);
    return Object.assign([...(batch?.files ?? [])], { keep: async () => batch?.place() });
  },
);
