import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { BucketScript } from '#sessions/stores/redis/scripts/bucket-script';
import { LuaInclude } from '#sessions/stores/redis/scripts/lua-include';
import { BUCKET_KEYS } from '#sessions/stores/redis/scripts/redis.layout';

const FOLDER = join(import.meta.dirname, '../../libs/sessions/src/stores/redis/scripts/lua');

/** A named script or include. */
type Named = readonly [name: string, text: BucketScript | LuaInclude];

/** The exports of all modules in a folder. */
async function everythingIn(folder: string): Promise<[string, unknown][]> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.replace('.ts', ''));
  const modules: object[] = await Promise.all(
    files.map((file) => import(`#sessions/stores/redis/scripts/lua/${file}`)),
  );
  return modules.flatMap((module) => Object.entries(module));
}

/** The words of a Lua text without comments, strings and table fields: possible keys and includes. */
function wordsOf(lua: string): Set<string> {
  const code = lua.replaceAll(/--.*$/gm, '').replaceAll(/'[^'\n]*'/g, "''");
  return new Set(code.match(/(?<![.\w])[A-Za-z_]\w*/g));
}

describe('Redis scripts', () => {
  const scripts: Named[] = [];
  const includes: Named[] = [];

  beforeAll(async () => {
    for (const [name, value] of await everythingIn(FOLDER)) {
      if (value instanceof BucketScript) scripts.push([name, value]);
      if (value instanceof LuaInclude) includes.push([value.name, value]);
    }
  });

  function mentionedBy([own, { body }]: Named): string[] {
    const words = wordsOf(body);
    return [
      ...BUCKET_KEYS.map((key) => key.toUpperCase()),
      ...includes.map(([name]) => name).filter((name) => name !== own),
    ].filter((name) => words.has(name));
  }

  function declaredBy([, { needs }]: Named): string[] {
    const { keys = [], includes: included = [] } = needs;
    return [...keys.map((key) => key.toUpperCase()), ...included.map(({ name }) => name)];
  }

  it('declare the keys and includes that their texts mention, and no others', () => {
    expect(scripts.length).toBeGreaterThan(20);
    const wrong = [...scripts, ...includes].flatMap((one) => {
      const [mentioned, declared] = [mentionedBy(one), declaredBy(one)];
      return [
        ...mentioned.filter((name) => !declared.includes(name)).map((name) => `${one[0]} lacks ${name}`),
        ...declared
          .filter((name) => !mentioned.includes(name))
          .map((name) => `${one[0]} does not use ${name}`),
      ];
    });
    expect(wrong).toEqual([]);
  });

  it('have includes that each define exactly their declared name', () => {
    expect(new Set(includes.map(([name]) => name)).size).toBe(includes.length);
    for (const [name, { body }] of includes) {
      const defined = [...body.matchAll(/^local (?:function )?(\w+)/gm)].map((match) => match[1]);
      expect(defined).toEqual([name]);
    }
  });

  it('have no unused include', () => {
    const needed = new Set([...scripts, ...includes].flatMap(declaredBy));
    expect(includes.map(([name]) => name).filter((name) => !needed.has(name))).toEqual([]);
  });

  it('get keys in the order of the layout, and each include once, after its own includes', () => {
    const inner = new LuaInclude('inner', { keys: ['tokens'] }, `\nlocal inner = TOKENS`);
    const outer = new LuaInclude('outer', { keys: ['sessions'], includes: [inner] }, `local outer = inner`);
    const needs = { keys: ['totals', 'tokens'], includes: [outer, inner] } as const;
    const script = new BucketScript('read', needs, `\nreturn outer`);
    expect(script.keys).toEqual(['sessions', 'tokens', 'totals']);
    expect(script.source).toBe(`#!lua flags=no-writes
local SESSIONS, TOKENS, TOTALS = unpack(KEYS)
local inner = TOKENS
local outer = inner

return outer`);
  });
});
