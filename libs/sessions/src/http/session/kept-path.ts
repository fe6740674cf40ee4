import type { PlatformRequest } from '../platform-message.js';

const MOST_LENGTH = 2048;
/** Named parameters alone. Of wildcards, expressions and optional parts, the frameworks have no common syntax. */
const PLAIN_PATTERN = /^(?:[^:*(){}?\\]|:\w+)*$/;
const PARAMETER = /:(\w+)/g;

/** Where Express and Fastify keep the pattern of the route that they chose, and the parameters. */
export interface RoutedRequest extends PlatformRequest {
  readonly url?: string;
  /** Of Express, where a router is mounted: the pattern of the route begins behind it. */
  readonly baseUrl?: string;
  readonly params?: unknown;
  readonly route?: { readonly path?: unknown };
  readonly routeOptions?: { readonly url?: unknown };
}

/** What a timeline may hold of the path of a request, beside its route. */
export interface KeptPath {
  readonly path: string | null;
  readonly params: string | undefined;
}

/** Tells it of a request, by the option `journalPaths`. */
export type PathKeeper = (request: RoutedRequest) => KeptPath;

const NOTHING: KeptPath = { path: null, params: undefined };

export function pathKeeperOf(journalPaths: boolean | readonly string[]): PathKeeper {
  if (journalPaths === false) return () => NOTHING;
  if (journalPaths === true) return (request) => whole(targetOf(request));
  const names = new Set(journalPaths);
  return (request) => keptOf(request, names);
}

export function routeOf({ route, routeOptions }: RoutedRequest): string | null {
  const pattern = route?.path ?? routeOptions?.url;
  return typeof pattern === 'string' ? pattern : null;
}

function targetOf({ originalUrl, url }: RoutedRequest): string {
  return originalUrl ?? url ?? '';
}

/** Of the client's own text, only values of these parameters. */
function keptOf(request: RoutedRequest, names: ReadonlySet<string>): KeptPath {
  const query = [...queryOf(targetOf(request))];
  const ofQuery = query.filter(([name]) => names.has(name));
  const ofRoute = Object.entries(request.params ?? {}).filter(
    (parameter): parameter is [string, string] => names.has(parameter[0]) && typeof parameter[1] === 'string',
  );
  const path = ofQuery.length === query.length ? filledRoute(request, new Map(ofRoute)) : null;
  if (path !== null) return whole(path + (ofQuery.length > 0 ? `?${textOf(ofQuery)}` : ''));
  const params = textOf([...ofRoute, ...ofQuery]);
  return params === '' || params.length > MOST_LENGTH ? NOTHING : { path: null, params };
}

/** The path of the request, made of its route and these values; `null` if it has other variable parts. */
function filledRoute(request: RoutedRequest, values: ReadonlyMap<string, string>): string | null {
  const pattern = routeOf(request);
  if (pattern === null || request.baseUrl || !PLAIN_PATTERN.test(pattern)) return null;
  const names = Array.from(pattern.matchAll(PARAMETER), ([, name = '']) => name);
  if (names.some((name) => !values.has(name))) return null;
  return pattern.replaceAll(PARAMETER, (_parameter, name: string) =>
    encodeURIComponent((values.get(name) ?? '').toWellFormed()),
  );
}

function queryOf(target: string): URLSearchParams {
  const begins = target.indexOf('?');
  return new URLSearchParams(begins < 0 ? '' : target.slice(begins + 1));
}

function textOf(parameters: [name: string, value: string][]): string {
  return new URLSearchParams(parameters).toString();
}

/** A path that is too long is not kept: a part of it would be another one. */
function whole(path: string): KeptPath {
  return path === '' || path.length > MOST_LENGTH ? NOTHING : { path, params: undefined };
}
