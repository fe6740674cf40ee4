import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const LIBRARY = resolve(import.meta.dirname, '../libs/sessions/src');

const LIFETIME = 'domain/lifetime.ts';
/** Here stores say again, in SQL or Lua, what the domain says: `stores/rules.spec.ts` compares them. */
const SQL = 'stores/sqlite/database/schema.ts';
const LUA = 'stores/redis/scripts/lua/includes/sessions.includes.ts';
const LUA_OF_COUNTS = 'stores/redis/scripts/lua/counts.scripts.ts';
const LUA_OF_RESOURCES = 'stores/redis/scripts/lua/includes/resources.includes.ts';

/** What a rule looks like, the files that may look so, and how a second one could be written. */
const RULES: readonly [rule: string, pattern: RegExp, homes: readonly string[], second: string][] = [
  ['the pattern of an id', /\[0-9a-f\]\{(?:8|12)\}/, ['domain/ids.ts'], '/^[0-9a-f]{8}(-[0-9a-f]{4}){3}$/'],
  ['the order of ids', /< \w+(?:\.\w+)? \? -1|localeCompare/, ['domain/ids.ts'], 'a.id < b.id ? -1 : 1'],
  ['the digits of an id', /replaceAll\('-', ''\)/, ['domain/ids.ts'], "id.replaceAll('-', '')"],
  [
    'the node of nothing',
    /NOBODY = '(?!\$)|node_id <> '(?!\$)|!== '-'/,
    ['domain/ids.ts'],
    "const NOBODY = '';",
  ],
  [
    'the idle end',
    /last_?[aA]ctivity_?[aA]t\s*\+/,
    [LIFETIME, SQL, LUA],
    'record.lastActivityAt + record.idleMs',
  ],
  ['the length of a provisional life', /PROVISIONAL_MS = /, [LIFETIME], 'const PROVISIONAL_MS = 60_000;'],
  ['the absolute end', /(?:>=|<) [\w.]*expiresAt\b/, [LIFETIME], 'now >= this.record.expiresAt'],
  [
    'what is disposable',
    /resource_?[cC]ount ={1,3} 0(?: AND|\)? ?&& | and )/,
    [LIFETIME, SQL, LUA],
    'resourceCount === 0 && !userId',
  ],
  [
    'the conditions of an end',
    /evictionRank: (?:\d|evictionRank)|only: \{/,
    [LIFETIME],
    '{ only: { lastActivityAt } }',
  ],
  [
    'the order of evictions',
    /THEN 2\s+END|and 2 or nil|\? 2 : null/,
    [LIFETIME, SQL, LUA],
    'holdsNothing ? 2 : null',
  ],
  [
    'the slots of a rate',
    /RATE_SLOTS? = |- ring\[1\]|- ring\.newestSlot/,
    ['domain/rates/rate-ring.ts', LUA_OF_COUNTS],
    'slot - ring.newestSlot',
  ],
  [
    'what is evictable',
    /uses ={2,3} 0/,
    ['domain/resource.ts', LUA_OF_RESOURCES],
    "state === 'ready' && uses === 0",
  ],
  [
    'what fits',
    /resources(?: \+ \w+)? <= /,
    ['domain/limits.ts', LUA_OF_RESOURCES],
    'held.resources + 1 <= max',
  ],
  [
    'which account counts a resource',
    /'ready' (?:&&|AND|and) (?:!|not )?(?:\w+\.)?overdrawn/,
    ['domain/resource.ts', SQL, LUA_OF_RESOURCES],
    "state === 'ready' && !overdrawn",
  ],
  [
    'what can be read',
    /'complete' (?:\|\||or) [\w. =]+'ready'/,
    ['domain/resource.ts', LUA_OF_RESOURCES],
    "state === 'complete' || state === 'ready'",
  ],
  [
    'the order of eviction',
    /lastUsedAt - \w+\.lastUsedAt/,
    ['domain/eviction.ts'],
    '(a, b) => a.lastUsedAt - b.lastUsedAt',
  ],
  [
    'the order of resources',
    /a\.createdAt - b\.createdAt/,
    ['domain/resource.ts'],
    '(a, b) => a.createdAt - b.createdAt',
  ],
  [
    'the state of a new resource',
    /\? 'ready' : 'writing'/,
    ['domain/resource.ts'],
    "isStream ? 'ready' : 'writing'",
  ],
  [
    'what a sort compares',
    /startsWith\('-'\)|endsWith\('created_at'\)/,
    ['ports/sessions.ts'],
    "sort.startsWith('-')",
  ],
  ['back-off', /2 \*\* |STUCK_AFTER = /, ['domain/backoff.ts'], 'MINUTE_MS * 2 ** (tries - 1)'],
  ['the length of a lease', /LEASE_MS = /, ['ports/endings.ts'], 'const END_LEASE_MS = 60_000;'],
  [
    'the sum of what was released',
    /sum\.resources|sum, \{ resources/,
    ['ports/endings.ts'],
    'sum.resources + resources',
  ],
];

// The contract says by examples what the rules are.
const texts = readdirSync(LIBRARY, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !path.startsWith('testing/'))
  .map((path) => ({ path, text: readFileSync(join(LIBRARY, path), 'utf8') }));

describe('Each rule is written once', () => {
  it.each(RULES)('%s', (_rule, pattern, homes, second) => {
    const written = texts.filter(({ text }) => pattern.test(text)).map(({ path }) => path);
    expect(written.toSorted()).toEqual([...homes].toSorted());
    expect(second).toMatch(pattern);
  });
});
