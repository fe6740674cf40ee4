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
    const text = error instanceof Error ? error.message : String(error);
    fail(text.split('\n', 1)[0] ?? text);
  }
} else {
  fail(`nest-sessions needs Node.js 22.23 or newer, or 24.14 or newer; this is ${process.versions.node}`);
}

function fail(message: string): void {
  process.exitCode = 1;
  process.stderr.write(`error: ${message}\n`);
}
