// npm run bench [-- NAME ... [--short]]: measures this package and what its users would pick instead, side by side, and
// prints the tables.
import { parseArgs } from 'node:util';
import { describeMachine } from './harness/machine.ts';
import { textOf } from './harness/table.ts';
import { measure, tableNames } from './tables.ts';

process.exitCode = await main();

async function main(): Promise<number> {
  const asked = parse();
  if (typeof asked === 'string') {
    console.error(`${asked}\nusage: npm run bench -- [${tableNames.join('|')}] [--short]`);
    return 2;
  }
  console.log(`${describeMachine()}\n`);
  for (const name of asked.names) {
    console.error(`${name} ...`);
    for (const table of await measure(name, asked)) console.log(`${textOf(table)}\n`);
  }
  return 0;
}

/** What the command line asks for, or what is wrong with it. */
function parse(): { readonly names: readonly string[]; readonly short: boolean } | string {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { short: { type: 'boolean', default: false } },
    });
    const unknown = positionals.find((name) => !tableNames.includes(name));
    if (unknown !== undefined) return `There is no table ${JSON.stringify(unknown)}.`;
    return { names: positionals.length > 0 ? positionals : tableNames, short: values.short };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
