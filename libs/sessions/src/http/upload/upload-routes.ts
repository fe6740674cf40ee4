import type { Type } from '@nestjs/common';
import { MetadataScanner, type ModulesContainer } from '@nestjs/core';
import type { SessionsConfig } from '../../core/config/config.js';
import { SessionsError } from '../../domain/errors.js';
import { STREAM_TYPE } from '../../domain/resource.js';
import { hasParameter } from '../session/handler-traits.js';
import { declarationOf, type UploadDeclaration } from './files/upload-declaration.js';
import { DEFAULT_UPLOAD_TYPE } from './files/upload-plan.js';

/** Metadata keys that Nest's `@Post()` and `@UseInterceptors()` set. */
const PATH_METADATA = 'path';
const INTERCEPTORS_METADATA = '__interceptors__';
/** Nest's numbers of `@UploadedFile()` and `@UploadedFiles()`. */
const PARAMETERS_OF_MULTER: ReadonlySet<string> = new Set(['8', '9']);

/** A handler that receives uploads. */
export interface UploadRoute {
  /** `FilesController.upload` */
  readonly name: string;
  readonly handler: object;
  readonly declaration: UploadDeclaration;
  /** The handler has a parameter that only multer fills. */
  readonly takesFileOfMulter: boolean;
}

/** The upload routes of an application, found by the metadata of its controllers: these need not be instantiated. */
export function uploadRoutesOf(modules: ModulesContainer): UploadRoute[] {
  const controllers = [...modules.values()].flatMap((module) => [...module.controllers.values()]);
  return controllers.flatMap(({ metatype }) => (metatype ? routesOf(metatype as Type) : []));
}

function routesOf(controller: Type): UploadRoute[] {
  const prototype = controller.prototype as Record<string, unknown>;
  return new MetadataScanner().getAllMethodNames(prototype).flatMap((method): UploadRoute[] => {
    const handler = Object(prototype[method]) as object;
    if (!Reflect.hasMetadata(PATH_METADATA, handler)) return [];
    const name = `${controller.name}.${method}`;
    const takesFileOfMulter = hasParameter(controller, method, PARAMETERS_OF_MULTER);
    return [...interceptorsOf(controller), ...interceptorsOf(handler)].flatMap((interceptor) => {
      const declaration = declarationOf(interceptor);
      return declaration ? [{ name, handler, declaration, takesFileOfMulter }] : [];
    });
  });
}

function interceptorsOf(target: object): readonly unknown[] {
  return (Reflect.getMetadata(INTERCEPTORS_METADATA, target) ?? []) as readonly unknown[];
}

/**
 * Refuses an upload route whose files could never be stored, or would not reach its handler.
 * @throws SessionsError `RESOURCE_TYPE_UNKNOWN`, `INVALID_ARGUMENT`
 */
export function requireUsableRoutes(modules: ModulesContainer, { resourceTypes }: SessionsConfig): void {
  const known = resourceTypes.filter((type) => type !== STREAM_TYPE);
  for (const { name, declaration, takesFileOfMulter } of uploadRoutesOf(modules)) {
    if (takesFileOfMulter)
      throw new SessionsError(
        'INVALID_ARGUMENT',
        `The upload route ${name} has a parameter with @UploadedFile() or @UploadedFiles(), which only multer fills: use @UploadedResource() or @UploadedResources().`,
      );
    for (const { type = DEFAULT_UPLOAD_TYPE } of Object.values(declaration.fields)) {
      if (known.includes(type)) continue;
      throw new SessionsError(
        'RESOURCE_TYPE_UNKNOWN',
        `The upload route ${name} stores files of the unknown type "${type}": add it to resourceTypes (SESSION_RESOURCE_TYPES), or use one of ${known.join(', ')}.`,
      );
    }
  }
}
