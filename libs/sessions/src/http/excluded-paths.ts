import type { HttpAdapterHost } from '@nestjs/core';
import type { PlatformRequest } from './platform-message.js';

/** How a framework compares a request's path with its routes. */
interface Routing {
  readonly ignoresCase: boolean;
  readonly decodes: boolean;
  readonly joinsSlashes: boolean;
  /** What ends the path. */
  readonly delimiter: RegExp;
}

interface Rules {
  readonly routing: Routing;
  readonly paths: readonly string[];
}

/** Of an absolute target, such as `http://host/assets`. */
const AUTHORITY = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i;

/** Finds requests for the paths of the option `exclude` and for all below them, as the framework would route them. */
export class ExcludedPaths {
  private rules: Rules | undefined;

  constructor(
    private readonly excluded: readonly string[],
    private readonly host: Pick<HttpAdapterHost, 'httpAdapter'>,
  ) {}

  has(request: PlatformRequest): boolean {
    if (this.excluded.length === 0) return false;
    this.rules ??= rulesFor(this.excluded, this.host.httpAdapter);
    const path = pathIn(targetOf(request), this.rules.routing);
    return this.rules.paths.some((one) => path.startsWith(one) && isBoundary(path[one.length]));
  }
}

/** The whole target as the framework routes it: middleware may have rewritten it, and routers cut off the path they are mounted at. */
function targetOf(request: PlatformRequest & { readonly baseUrl?: unknown; readonly url?: string }): string {
  if (typeof request.baseUrl === 'string') return request.baseUrl + (request.url ?? '');
  return request.raw?.url ?? request.originalUrl ?? request.url ?? '';
}

function isBoundary(next: string | undefined): boolean {
  return next === undefined || next === '/';
}

/** Read at the first request: an application may set how it routes until it listens. */
function rulesFor(excluded: readonly string[], http: HttpAdapterHost['httpAdapter']): Rules {
  const routing =
    http.getType() === 'fastify'
      ? routingOfFastify(http.getInstance())
      : routingOfExpress(http.getInstance());
  const paths = excluded.map((path) => {
    const trimmed = path.replace(/\/$/, '');
    return inCase(routing.decodes ? trimmed : encodeURI(trimmed), routing);
  });
  return { routing, paths };
}

/** Express compares the undecoded path. */
function routingOfExpress(express: { enabled(setting: string): boolean }): Routing {
  return {
    ignoresCase: !express.enabled('case sensitive routing'),
    decodes: false,
    joinsSlashes: false,
    delimiter: /[?#]/,
  };
}

interface FastifyRouting {
  readonly caseSensitive?: boolean;
  readonly ignoreDuplicateSlashes?: boolean;
  readonly useSemicolonDelimiter?: boolean;
}

function routingOfFastify({
  initialConfig,
}: {
  readonly initialConfig: FastifyRouting & { readonly routerOptions?: FastifyRouting };
}): Routing {
  const { caseSensitive, ignoreDuplicateSlashes, useSemicolonDelimiter } = {
    ...initialConfig,
    ...initialConfig.routerOptions,
  };
  return {
    ignoresCase: caseSensitive === false,
    decodes: true,
    joinsSlashes: ignoreDuplicateSlashes === true,
    delimiter: useSemicolonDelimiter === true ? /[?#;]/ : /[?#]/,
  };
}

function pathIn(target: string, routing: Routing): string {
  const [path = ''] = target.replace(AUTHORITY, '').split(routing.delimiter, 1);
  const decoded = routing.decodes ? decodePath(path) : path;
  return inCase(routing.joinsSlashes ? decoded.replaceAll(/\/{2,}/g, '/') : decoded, routing);
}

/** As Fastify's router: an encoded slash or percent sign stays encoded. It answers 400 to what cannot be decoded. */
function decodePath(path: string): string {
  if (!path.includes('%')) return path;
  try {
    return decodeURI(path.replaceAll('%25', '%2525'));
  } catch {
    return path;
  }
}

function inCase(path: string, { ignoresCase }: Routing): string {
  return ignoresCase ? path.toLowerCase() : path;
}
