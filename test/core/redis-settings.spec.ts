import { resolveConfig, type SessionsOptions } from 'nest-sessions';

const SECRET = 'pa55word-of-redis';
const URL_OF_REDIS = `redis://:${SECRET}@127.0.0.1:6379`;

function faultOf(options: SessionsOptions, environment: Record<string, string>): string {
  try {
    resolveConfig(options, environment);
  } catch (error) {
    return String(error);
  }
  return 'no fault';
}

describe('the settings of Redis', () => {
  it('select Redis by a URL alone, from the environment or as an option', () => {
    const expected = { store: 'redis', redisUrls: [URL_OF_REDIS], redisPrefix: 'nest-sessions:' };
    expect(resolveConfig({}, { SESSION_REDIS_URL: URL_OF_REDIS })).toMatchObject(expected);
    expect(resolveConfig({ redisUrls: [URL_OF_REDIS] }, {})).toMatchObject(expected);
    expect(resolveConfig({}, { SESSION_STORE: 'redis', SESSION_REDIS_URL: URL_OF_REDIS })).toMatchObject(
      expected,
    );
  });

  it('accept several nodes of a cluster, and a prefix', () => {
    const environment = {
      SESSION_REDIS_URL: 'redis://a:1, rediss://b:2',
      SESSION_REDIS_PREFIX: 'shop:',
    };
    expect(resolveConfig({}, environment)).toMatchObject({
      redisUrls: ['redis://a:1', 'rediss://b:2'],
      redisPrefix: 'shop:',
    });
  });

  it.each([
    ['another store', { SESSION_STORE: 'sqlite', SESSION_REDIS_URL: URL_OF_REDIS }],
    ['no store of other processes', { SESSION_STORE: 'memory', SESSION_REDIS_URL: URL_OF_REDIS }],
    ['no URL', { SESSION_STORE: 'redis' }],
    ['another scheme', { SESSION_REDIS_URL: `http://:${SECRET}@host` }],
    ['a port that is none', { SESSION_REDIS_URL: `redis://:${SECRET}@host:99999` }],
    ['a password that cannot be decoded', { SESSION_REDIS_URL: `redis://:${SECRET}%zz@host` }],
    ['a comma in the password', { SESSION_REDIS_URL: `redis://:${SECRET},x@host` }],
  ])('with %s are refused by name, and tell no password', (_, environment) => {
    const fault = faultOf({}, environment);
    expect(fault).toContain('redisUrls (SESSION_REDIS_URL): ');
    expect(fault).not.toContain(SECRET);
  });

  it('refuse a URL from the environment together with another store as an option', () => {
    expect(faultOf({ store: 'sqlite' }, { SESSION_REDIS_URL: URL_OF_REDIS })).toContain(
      'is set, but store (SESSION_STORE) is not redis',
    );
  });

  it.each(['{x}', 'a b', 'x'.repeat(65)])('refuse the prefix %j', (prefix) => {
    const environment = { SESSION_REDIS_URL: URL_OF_REDIS, SESSION_REDIS_PREFIX: prefix };
    expect(faultOf({}, environment)).toContain('redisPrefix (SESSION_REDIS_PREFIX): ');
  });
});
