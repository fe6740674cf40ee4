import type { NestInterceptor, Type } from '@nestjs/common';
import type { RawUploadOptions, UploadOptions } from './files/upload-options.js';
import { uploadInterceptorOf } from './session-upload.interceptor.js';

/**
 * Streams the files in `field` of a multipart body into the session of the request, within its limits:
 * `@UseInterceptors(UploadInterceptor('audio'))`. The handler gets them by `@UploadedResource()` or
 * `@UploadedResources()`, and the text fields as its body. When the handler has returned, all files of the request take
 * their places in the session in one step, before the answer goes out; with `@Res()`, when the response is finished. If
 * anything fails before, the files are removed, and nothing was evicted for them.
 */
export function UploadInterceptor(field: string, options?: UploadOptions): Type<NestInterceptor>;
/**
 * The same for several fields, each with options of its own: `UploadInterceptor({ avatar: { contents: ['image/'] }, papers: {
 * maxFiles: 5, required: false } })`. The handler gets the files of one by `@UploadedResources('papers')`.
 */
export function UploadInterceptor(fields: Readonly<Record<string, UploadOptions>>): Type<NestInterceptor>;
export function UploadInterceptor(
  fields: string | Readonly<Record<string, UploadOptions>>,
  options: UploadOptions = {},
): Type<NestInterceptor> {
  return uploadInterceptorOf({
    isRaw: false,
    fields: typeof fields === 'string' ? { [fields]: options } : fields,
  });
}

/**
 * Streams the whole body of a request into its session as one file, as `UploadInterceptor` does those of a form. Its media type
 * is that of the request, and its name is in `Content-Disposition`, if the client sends one.
 */
export function RawUploadInterceptor(options: RawUploadOptions = {}): Type<NestInterceptor> {
  return uploadInterceptorOf({ isRaw: true, fields: { '': options } });
}
