// Runs the tests. The last line printed is the number of passed and failed tests.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bin, run } from './process.mjs';

const WORKERS = '2';

/** Runs all test files except `leftOut`, and lists those at the end with their needs. */
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

/** The option replaces jest's default, so that `node_modules` is listed again. */
export function ignoring(leftOut) {
  const patterns = ['/node_modules/', ...leftOut.map(({ file }) => `/test/${file.replaceAll('.', '\\.')}$`)];
  return patterns.map((pattern) => `--testPathIgnorePatterns=${pattern}`);
}

function listOf(leftOut) {
  const lines = leftOut.map(({ file, needs }) => `  test/${file}: ${needs.join(', ')}`);
  return `\nLeft out ${leftOut.length} test files, which need:\n${lines.join('\n')}\n`;
}

function summaryOf(results) {
  let outcome;
  try {
    outcome = JSON.parse(readFileSync(results, 'utf8'));
  } catch {
    return '0 passed, 0 failed: jest stopped before the end';
  }
  const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites: broken } = outcome;
  const suites = broken > 0 ? `; ${broken} test files failed to run` : '';
  return `${numPassedTests} passed, ${numFailedTests} failed${suites}`;
}
