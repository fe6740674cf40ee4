import type { Actor } from '../../domain/journal/actor.js';
import type { AuditEntry } from '../../domain/journal/audit-entry.js';
import type { JournalEntry, TransferEntry } from '../../domain/journal/entry.js';
import { cell, counted, size, span } from './format.js';

const NONE = '-';

/** Who did something, in a few words. */
export function actorText(actor: Actor): string {
  switch (actor.kind) {
    case 'client':
    case 'app':
      return actor.kind;
    case 'job':
      return `job ${actor.job} ${cell(actor.host)}:${actor.pid}`;
    case 'limit':
      return `limit ${cell(actor.option)}`;
    case 'admin':
      return `admin ${cell(actor.keyId)}`;
    case 'cli':
      return `cli ${cell(actor.user)}@${cell(actor.host)}`;
  }
}

/** An instant to the second. `--json` has the milliseconds. */
export function secondText(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}

/** What an entry of a timeline tells, beside its instant, kind and actor. */
export function entryText(entry: JournalEntry): string {
  switch (entry.kind) {
    case 'opened':
    case 'regenerated':
      return NONE;
    case 'login':
      return `user hash ${cell(entry.userHash)}`;
    case 'ended':
      return `${entry.reason} after ${span(entry.durationMs)}, ${counted(entry.requests, 'request')}, ${heldText(entry)}`;
    case 'evicted':
    case 'placed':
      return `${cell(entry.type)} ${size(entry.sizeBytes)}`;
    case 'upload':
    case 'download':
    case 'stream':
      return transferText(entry);
    case 'refused':
      return refusalText(entry);
    case 'mismatch':
      return `another ${entry.property}`;
    case 'request':
      return requestText(entry);
  }
}

/** What an entry of the audit tells, beside its instant, deed and actor. */
export function auditText({ outcome, subject, sessions, resources, bytes, deed }: AuditEntry): string {
  const parts: string[] = [outcome];
  if (deed !== 'end' && sessions > 0) parts.push(counted(sessions, 'session'));
  if (resources > 0) parts.push(counted(resources, 'resource'));
  if (bytes > 0) parts.push(size(bytes));
  const figures = parts.join(', ');
  return subject === null ? figures : `${figures} ${cell(subject)}`;
}

function transferText({ bytes, durationMs, outcome }: TransferEntry): string {
  const sent = bytes === null ? '' : `${size(bytes)} in `;
  return `${outcome}, ${sent}${span(durationMs)}`;
}

function heldText({ resources, bytes }: { readonly resources: number; readonly bytes: number }): string {
  return `${counted(resources, 'resource')}, ${size(bytes)}`;
}

function refusalText({
  reason,
  sizeBytes,
  limitBytes,
  quota,
}: Extract<JournalEntry, { kind: 'refused' }>): string {
  const why = quota === null ? reason : `${reason} ${quota}`;
  const given = sizeBytes === null ? '' : `: ${size(sizeBytes)}`;
  const limit = limitBytes === null ? '' : ` of at most ${size(limitBytes)}`;
  return why + given + limit;
}

function requestText(entry: Extract<JournalEntry, { kind: 'request' }>): string {
  const params = entry.params === undefined ? '' : ` (${cell(entry.params)})`;
  const target = cell(entry.path ?? entry.route) + params;
  const status = entry.status ?? 'aborted';
  const bytes = `in ${size(entry.receivedBytes)}, out ${size(entry.sentBytes)}`;
  return `${cell(entry.method)} ${target} ${status}, ${span(entry.durationMs)}, ${bytes}`;
}
