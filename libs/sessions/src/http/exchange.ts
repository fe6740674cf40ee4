import type { ExecutionContext } from '@nestjs/common';
import type { PlatformRequest, PlatformResponse } from './platform-message.js';

/** What GraphQL drivers of Nest pass to resolvers: `req` always; Mercurius `reply`, others what the app adds. */
interface GraphqlContext {
  readonly req?: PlatformRequest & { readonly res?: PlatformResponse };
  readonly res?: PlatformResponse;
  readonly reply?: PlatformResponse;
}

/** Whether the handler is a GraphQL resolver whose request and response can be told; subscriptions have no response. */
export function isOfGraphqlRequest(context: ExecutionContext): boolean {
  return context.getType<string>() === 'graphql' && !!graphqlOf(context).req && !!graphqlResponse(context);
}

/** The request of a handler or GraphQL resolver. By its index: `switchToHttp()` makes three functions at each call. */
export function requestOf(context: ExecutionContext): PlatformRequest {
  if (context.getType() === 'http') return context.getArgByIndex<PlatformRequest>(0);
  return graphqlOf(context).req as PlatformRequest;
}

/** The response of a handler or GraphQL resolver. */
export function responseOf(context: ExecutionContext): PlatformResponse {
  if (context.getType() === 'http') return context.getArgByIndex<PlatformResponse>(1);
  return graphqlResponse(context) as PlatformResponse;
}

/** Express links its request to its response, Fastify does not. */
function graphqlResponse(context: ExecutionContext): PlatformResponse | undefined {
  const { req, res, reply } = graphqlOf(context);
  return reply ?? res ?? req?.res;
}

/** The third argument of a resolver, after its parent and its arguments. */
function graphqlOf(context: ExecutionContext): GraphqlContext {
  return context.getArgByIndex<GraphqlContext | undefined>(2) ?? {};
}
