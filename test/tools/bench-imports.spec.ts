import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const BENCH = resolve(import.meta.dirname, '../bench');

describe('The benchmark', () => {
  const files = readdirSync(BENCH, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.startsWith('node_modules'))
    .map((path) => ({ path, text: readFileSync(join(BENCH, path), 'utf8') }));

  it('imports nothing by `#sessions/`, which its own package.json cannot define', () => {
    expect(files.length).toBeGreaterThan(30);
    expect(files.filter(({ text }) => text.includes("'#sessions/")).map(({ path }) => path)).toEqual([]);
  });
});
