// npm run torture [-- NAME ... [--count N | --short] [--seed S]]: the campaigns, a table of what came of them, and exit
// code 1 if a single promise was broken. The same seed makes the same choices.
import { fork } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { constants, setPriority } from 'node:os';
import { parseArgs } from 'node:util';
import { campaignNames, loadCampaign, UNHURRIED } from './campaigns.ts';
import type { Report } from './report.ts';
import { tableOf } from './table.ts';

const SEEDS = 2 ** 31;

process.exitCode = await main();

async function main(): Promise<number> {
  const asked = parse();
  if (typeof asked === 'string') {
    console.error(
      `${asked}\nusage: npm run torture -- [${campaignNames.join('|')}] [--count N | --short] [--seed S]`,
    );
    return 2;
  }
  const reports = new Map<string, Report>();
  const lanes = Map.groupBy(asked.names, (name) => (UNHURRIED.includes(name) ? 'beside' : 'first'));
  await Promise.all(
    [...lanes].map(async ([lane, names]) => {
      for (const name of names) reports.set(name, await runOne(name, asked, lane === 'beside'));
    }),
  );
  const inOrder = asked.names.flatMap((name) => reports.get(name) ?? []);
  console.log(tableOf(inOrder));
  return inOrder.some(({ violations }) => violations > 0) ? 1 : 0;
}

async function runOne(name: string, asked: Asked, isBeside: boolean): Promise<Report> {
  const { title, goal, short } = await loadCampaign(name);
  const count = asked.count ?? (asked.short ? short : goal);
  const seed = asked.seed ?? randomInt(SEEDS);
  console.error(`${name}: ${title} (count ${count}, seed ${seed}) ...`);
  return runApart(name, count, seed, isBeside);
}

interface Asked {
  readonly names: readonly string[];
  readonly short: boolean;
  readonly count: number | undefined;
  readonly seed: number | undefined;
}

/** What the command line asks for, or what is wrong with it. */
function parse(): Asked | string {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        count: { type: 'string' },
        seed: { type: 'string' },
        short: { type: 'boolean', default: false },
      },
    });
    const unknown = positionals.find((name) => !campaignNames.includes(name));
    if (unknown !== undefined) return `There is no campaign ${JSON.stringify(unknown)}.`;
    const [count, seed] = [values.count, values.seed].map((text) =>
      text === undefined ? undefined : Number(text),
    );
    if (count !== undefined && !(Number.isSafeInteger(count) && count > 0))
      return '--count: a whole number from 1';
    if (seed !== undefined && !(Number.isSafeInteger(seed) && seed >= 0 && seed < SEEDS)) {
      return `--seed: a whole number below ${SEEDS}`;
    }
    return { names: positionals.length > 0 ? positionals : campaignNames, short: values.short, count, seed };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** In a process of its own, which reports at its end. One that dies without a report has broken a promise too. */
function runApart(name: string, count: number, seed: number, isBeside: boolean): Promise<Report> {
  const startedAt = performance.now();
  const child = fork(new URL('run-campaign.ts', import.meta.url), [name, String(count), String(seed)]);
  // Its processes inherit it.
  if (isBeside && child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
  return new Promise((resolve) => {
    let report: Report | undefined;
    child.on('message', (message) => (report = message as Report));
    child.once('close', (code, signal) => {
      if (report) return resolve(report);
      console.error(`${name}: VIOLATION: the campaign died (${signal ?? `exit code ${code}`})`);
      resolve({ name, tried: 0, violations: 1, seed, ms: performance.now() - startedAt, notes: [] });
    });
  });
}
