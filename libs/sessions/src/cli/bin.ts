#!/usr/bin/env node
import process from 'node:process';
import { refuseOldNode } from '../domain/supported-node.js';

// Neither `await` at the top level nor `??`: Node.js 12 could not read this file, and would not say which one is needed.
start().catch((error: unknown) => {
  const text = error instanceof Error ? error.message : String(error);
  process.exitCode = 1;
  process.stderr.write(`error: ${text.replace(/\n.*/s, '')}\n`);
});

async function start(): Promise<void> {
  refuseOldNode(process.versions.node);
  // Not imported before the version is known: on an older Node.js it would fail with a stack trace.
  const { runNestSessions } = await import('./nest-sessions.program.js');
  await runNestSessions();
}
