import type { Type } from '@nestjs/common';
import type { RawUploadOptions, UploadOptions } from './upload-options.js';

/** What an upload route accepts, as its decorator declares it. */
export interface UploadDeclaration {
  /** Whether the request's body is one file, not a form. */
  readonly isRaw: boolean;
  /** By the name of the field; a raw body has one without a name. */
  readonly fields: Readonly<Record<string, UploadOptions & RawUploadOptions>>;
}

const DECLARATION = Symbol('upload declaration');

/** Notes on an interceptor class what its route accepts. */
export function declareUpload(interceptor: Type, declaration: UploadDeclaration): void {
  Object.defineProperty(interceptor, DECLARATION, { value: declaration });
}

/** What the route of an interceptor accepts, given as a class or an instance; `undefined` if it receives no upload. */
export function declarationOf(interceptor: unknown): UploadDeclaration | undefined {
  const type: unknown = typeof interceptor === 'function' ? interceptor : Object(interceptor).constructor;
  return Reflect.get(Object(type) as object, DECLARATION) as UploadDeclaration | undefined;
}
