import type { ExecutionContext, Type } from '@nestjs/common';
import { PASSIVE_REQUEST } from './passive-request.decorator.js';
import { ALLOW_CROSS_SITE } from './allow-cross-site.decorator.js';
import { TAKES_SESSION } from './current-session.decorator.js';
import { SKIP_SESSION } from './skip-session.decorator.js';

/** Metadata key that Nest's `@Sse()` sets. */
const SSE_METADATA = '__sse__';
/** Metadata keys of Nest for the parameters of a handler, and for `@Res({ passthrough: true })`. */
const PARAMETERS_METADATA = '__routeArguments__';
const PASSTHROUGH_METADATA = '__responsePassthrough__';
/** Nest's numbers of `@Res()` and `@Next()`: a handler with one of these parameters answers by itself. */
const ANSWERING_PARAMETERS: ReadonlySet<string> = new Set(['1', '2']);
/** Nest's numbers of `@Body()` and `@RawBody()`. */
const BODY_PARAMETERS: ReadonlySet<string> = new Set(['3', '12']);

/** Traits that decorators set on a handler or its controller. */
export interface HandlerTraits {
  /** The handler answers with server-sent events. */
  readonly isEventStream: boolean;
  /** Its requests open and touch no session. */
  readonly skipsSession: boolean;
  /** Its requests are no activity, and open no session. */
  readonly isPassive: boolean;
  /** Pages of other sites may send its requests. */
  readonly allowsCrossSite: boolean;
  /** The handler answers by itself, with `@Res()` or `@Next()`: what it returns is no answer. */
  readonly answersItself: boolean;
  /** The handler has a parameter for the body. */
  readonly takesBody: boolean;
  /** The handler has a parameter that needs the session. */
  readonly takesSession: boolean;
}

type Handler = ReturnType<ExecutionContext['getHandler']>;

/** Keyed by controller too, since controllers inherit handlers. */
const known = new WeakMap<Type, Map<Handler, HandlerTraits>>();

/** Cached: metadata is slow to read, and each request needs the traits several times. */
export function traitsOf(context: ExecutionContext): HandlerTraits {
  const controller = context.getClass();
  const handler = context.getHandler();
  const traits = known.get(controller)?.get(handler);
  if (traits) return traits;
  const read = readTraits(controller, handler);
  known.set(controller, new Map([...(known.get(controller) ?? []), [handler, read]]));
  return read;
}

function readTraits(controller: Type, handler: Handler): HandlerTraits {
  const marked = (key: string): boolean =>
    (Reflect.getMetadata(key, handler) ?? Reflect.getMetadata(key, controller)) === true;
  const name = nameOf(controller, handler);
  const isPassthrough = Reflect.getMetadata(PASSTHROUGH_METADATA, controller, name) === true;
  return {
    isEventStream: Reflect.getMetadata(SSE_METADATA, handler) === true,
    skipsSession: marked(SKIP_SESSION),
    isPassive: marked(PASSIVE_REQUEST),
    allowsCrossSite: marked(ALLOW_CROSS_SITE),
    answersItself: !isPassthrough && hasParameter(controller, name, ANSWERING_PARAMETERS),
    takesBody: hasParameter(controller, name, BODY_PARAMETERS),
    takesSession: Reflect.getMetadata(TAKES_SESSION, controller, name) === true,
  };
}

/** The name that the handler has in its controller: the function of one that a decorator has wrapped has another. */
function nameOf(controller: Type, handler: Handler): string {
  for (let from: unknown = controller.prototype; from instanceof Object; from = Object.getPrototypeOf(from)) {
    const members = Object.entries(Object.getOwnPropertyDescriptors(from));
    const [name] = members.find(([, { value }]) => value === handler) ?? [];
    if (name !== undefined) return name;
  }
  return handler.name;
}

/** Whether a handler has a parameter of one of these kinds, by Nest's numbers. */
export function hasParameter(controller: Type, name: string, kinds: ReadonlySet<string>): boolean {
  const parameters: unknown = Reflect.getMetadata(PARAMETERS_METADATA, controller, name);
  return Object.keys(parameters ?? {}).some((key) => kinds.has(key.split(':')[0] ?? ''));
}
