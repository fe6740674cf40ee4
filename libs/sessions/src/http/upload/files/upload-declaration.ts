import type { Type } from '@nestjs/common';
import { SessionsError } from '../../../domain/errors.js';
import type { RawUploadOptions, UploadOptions } from './upload-options.js';

/** What an upload route accepts, as its decorator declares it. */
export interface UploadDeclaration {
  /** Whether the request's body is one file, not a form. */
  readonly isRaw: boolean;
  /** By the name of the field; a raw body has one without a name. */
  readonly fields: Readonly<Record<string, UploadOptions & RawUploadOptions>>;
}

/** `image/png`; `image/` and `image/*` stand for all images. */
const MEDIA_TYPE = /^[^\s/*;]+\/(?:[^\s/*;]+|\*)?$/;

/**
 * Checks the options of a route when its decorator is evaluated.
 * @throws SessionsError `INVALID_ARGUMENT` for values that would admit or refuse every file
 */
export function requireUsable({ fields }: UploadDeclaration): void {
  const declared = Object.entries(fields);
  if (declared.length === 0) throw unusable('UploadInterceptor() has no field: name at least one.');
  for (const [field, options] of declared) {
    const where = field === '' ? 'of a raw upload' : `of the upload field ${JSON.stringify(field)}`;
    for (const key of ['maxFiles', 'maxFileBytes'] as const) {
      const value = options[key];
      if (value !== undefined && !(Number.isSafeInteger(value) && value >= 1))
        throw unusable(`The option ${key} ${where} is ${value}: it must be a whole number of at least 1.`);
    }
    for (const key of ['mediaTypes', 'contents'] as const) {
      const wrong = options[key]?.find((type) => !MEDIA_TYPE.test(type));
      if (wrong !== undefined)
        throw unusable(
          `The option ${key} ${where} has ${JSON.stringify(wrong)}: write a type without parameters (audio/webm), or audio/ for all audio.`,
        );
    }
  }
}

function unusable(message: string): SessionsError {
  return new SessionsError('INVALID_ARGUMENT', message);
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
