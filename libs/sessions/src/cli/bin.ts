#!/usr/bin/env node
import process from 'node:process';

// Nothing else is imported before this is known: on an older Node.js it would fail with a stack trace.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const isSupported = (major === 22 && minor >= 23) || (major === 24 && minor >= 14) || major > 24;

if (isSupported) {
  try {
    const { runNestSessions } = await import('./nest-sessions.program.js');
    await runNestSessions();
  } catch (error) {
    fail(explain(error));
  }
} else {
  fail(`nest-sessions needs Node.js 22.23 or newer, or 24.14 or newer; this is ${process.versions.node}`);
}

function fail(message: string): void {
  process.exitCode = 1;
  process.stderr.write(`error: ${message}\n`);
}

function explain(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const missing = /^Cannot find (?:package|module) '([@\w./-]+)'/.exec(text)?.[1];
  if (missing) return `the package ${missing} is missing: npm install ${missing}`;
  return text.split('\n', 1)[0] ?? text;
}
