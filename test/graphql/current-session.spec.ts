import { ApolloDriver } from '@nestjs/apollo';
import { Inject } from '@nestjs/common';
import {
  Args,
  GraphQLModule,
  Mutation,
  ObjectType,
  Field,
  Parent,
  Query,
  ResolveField,
  Resolver,
} from '@nestjs/graphql';
import { MercuriusDriver } from '@nestjs/mercurius';
import { CurrentSession, SessionService, SkipSession, type Session } from 'nest-sessions';
import { cookieOf, startSessionApp, type SessionApp } from '../http/session-app.js';

@ObjectType()
class Viewer {
  @Field()
  id!: string;
}

@Resolver(() => Viewer)
class ViewerResolver {
  constructor(@Inject(SessionService) private readonly service: SessionService) {}

  @Query(() => Viewer)
  viewer(@CurrentSession() session: Session): Viewer {
    return { id: session.id };
  }

  @ResolveField(() => String)
  again(@Parent() { id }: Viewer, @CurrentSession() session: Session): string {
    return `${id} ${session.id}`;
  }

  @SkipSession()
  @Query(() => String, { nullable: true })
  skipped(@CurrentSession({ optional: true }) session: Session | null): string | null {
    return session?.id ?? null;
  }

  @Mutation(() => String)
  async login(@Args('user') user: string, @CurrentSession() session: Session): Promise<string> {
    await this.service.login(session, user);
    return session.id;
  }
}

const withReply = (request: object, reply: object) => ({ req: request, reply });

// Mercurius loads its cache by import(), which Jest cannot do.
const CASES = [
  ['Apollo on express', 'express', { driver: ApolloDriver }],
  ['Apollo on fastify', 'fastify', { driver: ApolloDriver, context: withReply }],
  ['Mercurius on fastify', 'fastify', { driver: MercuriusDriver, cache: false }],
] as const;

describe.each(CASES)('@CurrentSession() in resolvers of %s', (_name, adapter, options) => {
  let app: SessionApp;
  beforeAll(async () => {
    app = await startSessionApp(
      adapter,
      {},
      {
        imports: [
          GraphQLModule.forRoot({ ...options, autoSchemaFile: true, path: '/graphql', graphiql: false }),
        ],
        providers: [ViewerResolver],
      },
    );
  });
  afterAll(() => app.close());

  const ask = async (query: string, headers: Record<string, string> = {}) => {
    const response = await app.request('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': 'test', ...headers },
      body: JSON.stringify({ query }),
    });
    return { response, answer: JSON.parse(response.text) as Answer };
  };
  interface Answer {
    readonly data: Record<string, unknown> | null;
    readonly errors?: readonly {
      readonly message: string;
      readonly extensions?: { readonly code?: string };
    }[];
  }

  it('is the session of the request, begun by it, also in its field resolvers', async () => {
    const { response, answer } = await ask('{ viewer { id again } }');
    const { id } = answer.data!['viewer'] as { id: string };
    expect(answer).toEqual({ data: { viewer: { id, again: `${id} ${id}` } } });
    const cookie = cookieOf(response);
    expect((await ask('{ viewer { id } }', { cookie })).answer.data).toEqual({ viewer: { id } });
  });

  it('counts a request once, however many resolvers it calls', async () => {
    const visitor = await app.visitor();
    const { answer } = await ask('{ first: viewer { id } second: viewer { id } }', visitor.headers);
    expect(answer.data).toEqual({ first: { id: visitor.id }, second: { id: visitor.id } });
    expect(await app.service.describe(visitor)).toMatchObject({ requestCount: 2 });
  });

  it('is null where sessions are skipped, and none begins', async () => {
    const { response, answer } = await ask('{ skipped }');
    expect(answer).toEqual({ data: { skipped: null } });
    expect(response.headers['set-cookie']).toBeUndefined();
  });

  it('logs in, and answers a replaced token with SESSION_STALE', async () => {
    const visitor = await app.visitor();
    const { response, answer } = await ask('mutation { login(user: "ada") }', visitor.headers);
    expect(answer.data).toEqual({ login: visitor.id });
    const cookie = cookieOf(response);
    expect((await ask('{ viewer { id } }', { cookie })).answer.data).toEqual({ viewer: { id: visitor.id } });
    const stale = await ask('{ viewer { id } }', visitor.headers);
    expect(stale.answer.errors?.[0]?.extensions?.code).toBe('SESSION_STALE');
  });

  it('is refused to a page of another site', async () => {
    const { headers } = await app.visitor();
    const { answer } = await ask('mutation { login(user: "ada") }', {
      ...headers,
      origin: 'https://evil.example',
    });
    expect(answer.errors?.[0]?.extensions?.code).toBe('CROSS_SITE_REFUSED');
  });
});
