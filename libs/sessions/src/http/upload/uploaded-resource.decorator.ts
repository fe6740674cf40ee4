import type { IncomingMessage } from 'node:http';
import { createParamDecorator, type ExecutionContext, type PipeTransform, type Type } from '@nestjs/common';
import type { FileBatch } from '../../core/resources/file-batch.js';
import { nodeRequest, type PlatformRequest } from '../platform-message.js';
import type { ReceivedFile } from './files/received-file.js';

type Pipe = PipeTransform | Type<PipeTransform>;

/** Takes the field of the form, and pipes; without a field, all fields. Nest 11 and 12 infer different types for it. */
type UploadDecorator = (fieldOrPipe?: string | Pipe, ...pipes: Pipe[]) => ParameterDecorator;

/** The files of an upload, in the order of the body. */
export interface UploadedFiles extends ReadonlyArray<ReceivedFile> {
  /**
   * Gives all files of the request their places in the session now, not when the handler has returned: for a handler that hands
   * them to another process. They are kept even if the handler fails afterwards.
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

/** The files in one field of the form, or all. */
function filesOf(context: ExecutionContext, field: string | undefined): ReceivedFile[] {
  const files = (batchOf(context)?.files ?? []) as readonly ReceivedFile[];
  return files.filter(({ fieldname }) => field === undefined || fieldname === field);
}

/**
 * The file that `UploadInterceptor` saved, the first of several; of one field: `@UploadedResource('avatar')`. `undefined` if the
 * request had none. Takes pipes, such as Nest's `ParseFilePipe`: if one refuses the file, nothing of the request is kept.
 */
export const UploadedResource: UploadDecorator = createParamDecorator(
  (field: string | undefined, context: ExecutionContext): ReceivedFile | undefined =>
    filesOf(context, field)[0],
);

/** All files that `UploadInterceptor` saved, or those of one field: `@UploadedResources('papers')`; empty if there are none. */
export const UploadedResources: UploadDecorator = createParamDecorator(
  (field: string | undefined, context: ExecutionContext): UploadedFiles =>
    Object.assign(filesOf(context, field), { keep: async () => batchOf(context)?.place() }),
);
