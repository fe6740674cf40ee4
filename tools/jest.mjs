// Runs the tests; the last line that is printed says how many passed and failed.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bin, run } from './process.mjs';

const WORKERS = '2';

export async function runJest(args) {
  const folder = mkdtempSync(join(tmpdir(), 'nest-sessions-jest-'));
  const results = join(folder, 'results.json');
  const report = ['--json', `--outputFile=${results}`];
  try {
    const exitCode = await run(join(bin, 'jest'), ['-w', WORKERS, ...report, ...args], ['ignore', 2, 2]);
    console.log(summaryOf(results));
    return exitCode;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function summaryOf(results) {
  let outcome;
  try {
    outcome = JSON.parse(readFileSync(results, 'utf8'));
  } catch {
    return '0 passed, 0 failed: the tests did not run to their end';
  }
  const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites: broken } = outcome;
  const suites = broken > 0 ? `; ${broken} test files could not run` : '';
  return `${numPassedTests} passed, ${numFailedTests} failed${suites}`;
}
