import { hostname, userInfo } from 'node:os';
import type { Operator } from '../../domain/journal/actor.js';

/** Longer names are cut: they are for people. */
const MOST_CHARACTERS = 128;

/** Who runs this command, for the audit: the system's user, and the host. */
export function commandOperator(): Operator {
  return { kind: 'cli', user: cut(userName()), host: cut(hostname()) };
}

/** Containers run users that the system has no name for. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}

function cut(name: string): string {
  return name.toWellFormed().slice(0, MOST_CHARACTERS).toWellFormed();
}
