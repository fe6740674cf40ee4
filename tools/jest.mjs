// Runs the tests; the last line that is printed says how many passed and failed.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bin, run } from './process.mjs';

const WORKERS = '2';

/** Runs the test files but those left out, which it lists at the end with what they need. */
export async function runJest(args, leftOut) {
  const folder = mkdtempSync(join(tmpdir(), 'nest-sessions-jest-'));
  const results = join(folder, 'results.json');
  const options = [...ignoring(leftOut), '-w', WORKERS, '--json', `--outputFile=${results}`];
  try {
    const exitCode = await run(join(bin, 'jest'), [...options, ...args], ['ignore', 2, 2]);
    if (leftOut.length > 0) console.error(listOf(leftOut));
    console.log(summaryOf(results));
    return exitCode;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Beside the files left out, those that jest ignores by itself. */
function ignoring(leftOut) {
  const patterns = ['/node_modules/', ...leftOut.map(({ file }) => `/test/${file.replaceAll('.', '\\.')}$`)];
  return patterns.map((pattern) => `--testPathIgnorePatterns=${pattern}`);
}

function listOf(leftOut) {
  const lines = leftOut.map(({ file, needs }) => `  test/${file}: ${needs.join(', ')}`);
  return `\n${leftOut.length} test files were left out, for what they need:\n${lines.join('\n')}\n`;
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
