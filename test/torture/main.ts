// npm run torture [-- NAME ... [--count N | --short] [--seed S]]: the campaigns, a table of what came of them, and exit
// code 1 if a single promise was broken. The same seed makes the same choices.
import { fork } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { campaignNames, loadCampaign } from './campaigns.ts';
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
  const reports: Report[] = [];
  for (const name of asked.names) {
    const { title, goal, short } = await loadCampaign(name);
    const count = asked.count ?? (asked.short ? short : goal);
    const seed = asked.seed ?? randomInt(SEEDS);
    console.error(`${name}: ${title} (count ${count}, seed ${seed}) ...`);
    reports.push(await runApart(name, count, seed));
  }
  console.log(tableOf(reports));
  return reports.some(({ violations }) => violations > 0) ? 1 : 0;
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
function runApart(name: string, count: number, seed: number): Promise<Report> {
  const startedAt = performance.now();
  const child = fork(new URL('run-campaign.ts', import.meta.url), [name, String(count), String(seed)]);
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
