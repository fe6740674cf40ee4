import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DEFAULTS, ENVIRONMENT, presets, resolveConfig, type SessionsOptions } from 'nest-sessions';

const TOKEN = 'a-token-of-at-least-thirty-two-characters';

const KEY = Buffer.alloc(32, 'a key for tests').toString('base64');

describe('Configuration', () => {
  it('has the defaults of the manual', () => {
    expect(resolveConfig({}, {})).toMatchObject({
      maxDurationMs: 3_600_000,
      maxIdleMs: 900_000,
      limits: { maxResources: 100, maxBytes: 104_857_600 },
      cleanupIntervalMs: 60_000,
      orphanGraceMs: 600_000,
      storagePath: resolve('data/sessions'),
      maxSessions: 100_000,
      openRate: 1200,
      maxUnconfirmedPerNetwork: 120,
      cookieName: 'sid',
      cookieSameSite: 'lax',
      cookieDomain: null,
      adminTokens: [],
      resourceTypes: ['audio_file', 'file', 'temp_file', 'stream'],
    });
  });

  it('reads every setting from the environment', () => {
    const config = resolveConfig(
      {},
      {
        MAX_SESSION_DURATION: '120',
        MAX_SESSION_IDLE_TIME: '60',
        MAX_RESOURCES_PER_SESSION: '3',
        MAX_BYTES_PER_SESSION: '1000',
        SESSION_CLEANUP_INTERVAL: '5',
        SESSION_STORAGE_PATH: '/srv/sessions',
        ADMIN_TOKEN: `${TOKEN},${TOKEN}-2`,
        MAX_SESSIONS: '10',
        SESSION_OPEN_RATE: '0',
        SESSION_ORPHAN_GRACE: '60',
        SESSION_BIND_IP: 'off',
        SESSION_BIND_AGENT: 'off',
        SESSION_COOKIE_NAME: 'who',
        SESSION_COOKIE_SAMESITE: 'none',
        SESSION_COOKIE_DOMAIN: 'example.com',
        SESSION_CACHE: 'false',
        SESSION_OPEN_ON: 'use',
        SESSION_EXCLUDE: '/assets, /api/public/',
      },
    );
    expect(config).toMatchObject({
      maxDurationMs: 120_000,
      maxIdleMs: 60_000,
      limits: { maxResources: 3, maxBytes: 1000 },
      cleanupIntervalMs: 5000,
      storagePath: '/srv/sessions',
      adminTokens: [TOKEN, `${TOKEN}-2`],
      maxSessions: 10,
      openRate: 0,
      orphanGraceMs: 60_000,
      binding: { addressKey: null, learnsOtherFamily: false, agentKey: null, admitsPlayers: false },
      cookieName: 'who',
      cookieSameSite: 'none',
      cookieDomain: 'example.com',
      cache: false,
      openOn: 'use',
      exclude: ['/assets', '/api/public/'],
    });
  });

  it('lets an option win over the environment', () => {
    expect(resolveConfig({ maxResources: 7 }, { MAX_RESOURCES_PER_SESSION: '3' }).limits.maxResources).toBe(
      7,
    );
  });

  it.each(['assets', '/', '/a//b', '/a?b', '/a#b', '/a*', '/a%20b', '/a\\b', ''])(
    'refuses %j as a path to exclude',
    (path) => {
      expect(() => resolveConfig({ exclude: ['/assets', path] }, {})).toThrow(
        /exclude \(SESSION_EXCLUDE\): must be a list of paths/,
      );
    },
  );

  it('takes defaults from adapters, which options and environment win over', () => {
    const defaults = { openRate: 0, maxResources: 1, maxBytes: 1 };
    const config = resolveConfig({ maxResources: 2 }, { MAX_BYTES_PER_SESSION: '3' }, defaults);
    expect(config).toMatchObject({ openRate: 0, maxResources: 2, maxBytes: 3, maxStreamsPerSession: 20 });
  });

  it('names every setting in the environment, once', () => {
    expect(Object.keys(ENVIRONMENT).toSorted()).toEqual(Object.keys(DEFAULTS).toSorted());
    expect(new Set(Object.values(ENVIRONMENT)).size).toBe(Object.keys(DEFAULTS).length);
  });

  it('names all variables by one rule, except these', () => {
    const ruled = (option: string): string => `SESSION_${option.replaceAll(/[A-Z]/g, '_$&').toUpperCase()}`;
    const exceptions = Object.entries(ENVIRONMENT).filter(([option, name]) => name !== ruled(option));
    expect(Object.fromEntries(exceptions)).toEqual({
      maxDurationSeconds: 'MAX_SESSION_DURATION',
      maxIdleSeconds: 'MAX_SESSION_IDLE_TIME',
      maxResources: 'MAX_RESOURCES_PER_SESSION',
      maxBytes: 'MAX_BYTES_PER_SESSION',
      maxSessions: 'MAX_SESSIONS',
      cleanupIntervalSeconds: 'SESSION_CLEANUP_INTERVAL',
      orphanGraceSeconds: 'SESSION_ORPHAN_GRACE',
      cookieSameSite: 'SESSION_COOKIE_SAMESITE',
      adminTokens: 'ADMIN_TOKEN',
      adminReadTokens: 'ADMIN_READ_TOKEN',
      redisUrls: 'SESSION_REDIS_URL',
    });
  });

  it('has every option under its name, durations in milliseconds', () => {
    const names = Object.keys(DEFAULTS).map((name) => name.replace(/Seconds$/, 'Ms'));
    expect(Object.keys(resolveConfig({}, {})).toSorted()).toEqual(
      [...names, 'binding', 'budgets', 'limits'].toSorted(),
    );
  });

  it('takes options as the text that their variables would hold, as ConfigService gives it', () => {
    const text = {
      maxDurationSeconds: '120',
      maxBytes: ' 1000 ',
      cache: 'false',
      onLimit: 'reject',
      adminTokens: `${TOKEN}, ${TOKEN}-2`,
      redisUrls: 'redis://127.0.0.1:6379',
      cookieDomain: '',
    };
    expect(resolveConfig(text, {})).toMatchObject({
      maxDurationMs: 120_000,
      limits: { maxBytes: 1000, onLimit: 'reject' },
      cache: false,
      adminTokens: [TOKEN, `${TOKEN}-2`],
      redisUrls: ['redis://127.0.0.1:6379'],
      store: 'redis',
      cookieDomain: null,
    });
    expect(() => resolveConfig({ maxBytes: '100 MB' }, {})).toThrow(/maxBytes .* not "100 MB"/);
  });

  it('takes an option that is undefined as missing', () => {
    const missing: SessionsOptions = {
      maxResources: undefined,
      storagePath: undefined,
      redisUrls: undefined,
    };
    expect(resolveConfig(missing, { MAX_RESOURCES_PER_SESSION: '3' }).limits.maxResources).toBe(3);
  });

  it('tells one fault of a token file that cannot be read, with its path and why', () => {
    expect(() => resolveConfig({}, { ADMIN_TOKEN_FILE: '/nope' })).toThrow(
      'Invalid settings of nest-sessions:\n  - ADMIN_TOKEN_FILE: the file /nope cannot be read (ENOENT)',
    );
    expect(() => resolveConfig({}, { ADMIN_TOKEN_FILE: '/nope' })).not.toThrow(/\n.*\n/);
  });

  it('tells one fault of a token file, and blames the variable that names it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'config-'));
    const fault = (path: string): string => {
      try {
        resolveConfig({}, { ADMIN_TOKEN_FILE: path });
        return 'none';
      } catch (error) {
        return (error as Error).message;
      }
    };
    try {
      const [empty, blank, bad] = ['empty', 'blank', 'bad'].map((name) => join(folder, name));
      await Promise.all([writeFile(empty!, ''), writeFile(blank!, ' \n'), writeFile(bad!, 'too short')]);
      const heading = 'Invalid settings of nest-sessions:\n  - ';
      expect(fault(folder)).toBe(`${heading}ADMIN_TOKEN_FILE: the file ${folder} cannot be read (EISDIR)`);
      for (const path of [empty!, blank!])
        expect(fault(path)).toBe(
          `${heading}ADMIN_TOKEN_FILE: the file ${path} is empty: write the value into it, or unset the variable`,
        );
      expect(fault(bad!)).toMatch(
        /^.*\n  - adminTokens \(ADMIN_TOKEN_FILE\): must be a list of tokens[^\n]*$/,
      );
      expect(fault(bad!)).not.toContain('too short');
      expect(fault(' ')).toBe('none');
      const beside = { ADMIN_TOKEN_FILE: bad!, ADMIN_TOKEN: ' ' };
      expect(() => resolveConfig({}, beside)).toThrow('(ADMIN_TOKEN_FILE): must be a list of tokens');
      expect(() => resolveConfig({}, { SESSION_KEYS: ' , ' })).toThrow(
        '(SESSION_KEYS): must be a list of keys',
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('lists all faults in one message, by name and value, without secrets', () => {
    const attempt = (): unknown =>
      resolveConfig(
        { maxResources: -1, adminTokens: ['short-secret'] },
        { MAX_SESSION_DURATION: '15m', SESSION_BIND_IP: 'sometimes' },
      );
    expect(attempt).toThrow(/maxResources \(MAX_RESOURCES_PER_SESSION\)/);
    expect(attempt).toThrow(/maxDurationSeconds \(MAX_SESSION_DURATION\)/);
    expect(attempt).toThrow(/bindIp \(SESSION_BIND_IP\): must be one of .*off, not "sometimes"/);
    expect(attempt).toThrow(/maxDurationSeconds .*, not "15m"/);
    expect(attempt).toThrow(/maxResources .*, not -1/);
    expect(attempt).toThrow(/adminTokens \(ADMIN_TOKEN\).*openssl rand/);
    expect(attempt).not.toThrow(/short-secret/);
  });

  it.each([
    ['0', 'zero'],
    ['-1', 'a negative number'],
    ['1.5', 'a fraction'],
    ['1e3', 'an exponent'],
    ['0x10', 'hexadecimal'],
    ['900s', 'a unit'],
    ['null', 'a word'],
    ['Infinity', 'infinity'],
    ['99999999999999999999', 'too many digits'],
    ['2147483648', 'more than a year'],
  ])('refuses MAX_SESSION_DURATION=%s (%s)', (text) => {
    expect(() => resolveConfig({}, { MAX_SESSION_DURATION: text })).toThrow(/MAX_SESSION_DURATION/);
  });

  it('refuses an idle time longer than the session', () => {
    expect(() => resolveConfig({ maxIdleSeconds: 61, maxDurationSeconds: 60 }, {})).toThrow(
      'maxIdleSeconds (MAX_SESSION_IDLE_TIME): must be at most maxDurationSeconds (MAX_SESSION_DURATION), which is 60 seconds, not 61',
    );
  });

  it.each([
    ['a symbol', Symbol('x')],
    ['a big integer', 60n],
    ['an object without a prototype', Object.create(null)],
    ['an object that is no value', { valueOf: null, toString: null }],
  ])('tells the fault of a duration that is %s', (_what, value: unknown) => {
    for (const name of ['maxDurationSeconds', 'maxIdleSeconds']) {
      expect(() => resolveConfig({ [name]: value }, {})).toThrow(
        expect.objectContaining({
          code: 'CONFIG_INVALID',
          message: expect.stringContaining(`${name} (${ENVIRONMENT[name as 'maxIdleSeconds']})`) as string,
        }),
      );
    }
  });

  it('shortens the default idle time with the session', () => {
    expect(resolveConfig({ maxDurationSeconds: 60 }, {}).maxIdleMs).toBe(60_000);
  });

  it.each(['maxResource', 'constructor'])('refuses the option %s, which does not exist', (name) => {
    expect(() => resolveConfig({ [name]: 3 }, {})).toThrow(`"${name}": unknown option`);
  });

  it.each([
    ['short', 'x'.repeat(31)],
    ['long', 'ab'.repeat(129)],
    ['one character repeated', 'x'.repeat(40)],
    ['with a space', `${TOKEN} x`],
    ['not ASCII', `${TOKEN}é`],
  ])('refuses an admin token that is %s', (_what, token) => {
    expect(() => resolveConfig({ adminTokens: [token] }, {})).toThrow(/ADMIN_TOKEN/);
  });

  it('reads tokens that may only look, also from a file, and refuses one that may do everything too', async () => {
    expect(resolveConfig({}, { ADMIN_READ_TOKEN: `${TOKEN},${TOKEN}-2` }).adminReadTokens).toEqual([
      TOKEN,
      `${TOKEN}-2`,
    ]);
    const folder = await mkdtemp(join(tmpdir(), 'nest-sessions-'));
    try {
      await writeFile(join(folder, 'token'), TOKEN);
      const environment = { ADMIN_READ_TOKEN_FILE: join(folder, 'token'), ADMIN_TOKEN: `${TOKEN}-2` };
      expect(resolveConfig({}, environment).adminReadTokens).toEqual([TOKEN]);
      const both = (): unknown => resolveConfig({ adminTokens: [`${TOKEN}-2`, TOKEN] }, environment);
      expect(both).toThrow(
        'adminReadTokens (ADMIN_READ_TOKEN): must not list a token of adminTokens (ADMIN_TOKEN)',
      );
      expect(both).not.toThrow(TOKEN);
    } finally {
      await rm(folder, { recursive: true });
    }
    expect(() => resolveConfig({ adminReadTokens: ['short'] }, {})).toThrow(
      /adminReadTokens \(ADMIN_READ_TOKEN\)/,
    );
  });

  it.each([
    ['short', [Buffer.alloc(31, 'ab').toString('base64')]],
    ['long', [Buffer.alloc(33, 'ab').toString('base64')]],
    ['one character repeated', [Buffer.alloc(32).toString('base64')]],
    ['in base64url', [Buffer.alloc(32, 0xfb).toString('base64url')]],
    ['spelled with bits that do not count', [KEY.slice(0, -2) + 'B=']],
    ['listed twice', [KEY, KEY]],
  ])('refuses a key that is %s, and does not show it', (_what, keys) => {
    const attempt = (): unknown => resolveConfig({ keys }, {});
    expect(attempt).toThrow(/keys \(SESSION_KEYS\)/);
    expect(attempt).not.toThrow(keys[0]);
  });

  it('reads keys from the environment and from a file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'config-'));
    try {
      const file = join(folder, 'keys');
      await writeFile(file, `${KEY}\n`);
      expect(resolveConfig({}, { SESSION_KEYS: KEY }).keys).toEqual([KEY]);
      expect(resolveConfig({}, { SESSION_KEYS_FILE: file }).keys).toEqual([KEY]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('reads admin tokens from a file, whatever its line ends', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'config-'));
    try {
      const file = join(folder, 'token');
      await writeFile(file, `${TOKEN}\r\n${TOKEN}-2\n`);
      expect(resolveConfig({}, { ADMIN_TOKEN_FILE: file }).adminTokens).toEqual([TOKEN, `${TOKEN}-2`]);
      expect(() => resolveConfig({}, { ADMIN_TOKEN_FILE: join(folder, 'none') })).toThrow(/ADMIN_TOKEN_FILE/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('accepts the presets', () => {
    expect(resolveConfig(presets.development, {}).limits.maxBytes).toBe(209_715_200);
    expect(resolveConfig(presets.production, {})).toEqual(
      expect.objectContaining({ maxDurationMs: 3_600_000, maxIdleMs: 900_000 }),
    );
  });

  it('cannot be changed once it is resolved', () => {
    const config = resolveConfig({}, {});
    expect([config, ...Object.values(config)].filter((part) => !Object.isFrozen(part))).toEqual([]);
  });
});
