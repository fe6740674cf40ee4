#!/usr/bin/env node
import process from 'node:process';
import { refuseOldNode } from '../domain/supported-node.js';

// No top-level `await`, no `??`: Node.js 12 must be able to parse this file to print which version is required.
start().catch((error: unknown) => {
  const text = error instanceof Error ? error.message : String(error);
  process.exitCode = 1;
  process.stderr.write(`error: ${text.replace(/\n.*/s, '')}\n`);
});

async function start(): Promise<void> {
  refuseOldNode(process.versions.node);
  // Imported after the check: an older Node.js would fail here with a stack trace.
  const { runNestSessions } = await import('./nest-sessions.program.js');
  await runNestSessions();
}
