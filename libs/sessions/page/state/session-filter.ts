/** Query parameters of the list, and the filter of a bulk deed, but for `state`. */
export interface FilterParameters {
  readonly user_id?: string;
  readonly ip?: string;
  readonly idle_over?: string;
  readonly bytes_over?: string;
  readonly near_limit?: string;
  readonly state?: string;
}

export type FilterFault =
  | { readonly kind: 'word'; readonly text: string }
  | { readonly kind: 'twice'; readonly text: string }
  | { readonly kind: 'empty'; readonly text: string }
  | { readonly kind: 'seconds' | 'bytes' | 'percent' | 'state' | 'quote'; readonly text: string };

export type ReadFilter =
  | { readonly kind: 'valid'; readonly parameters: FilterParameters }
  /** The id of a session. */
  | { readonly kind: 'session'; readonly id: string }
  | { readonly kind: 'invalid'; readonly faults: readonly FilterFault[] };

type Name = keyof FilterParameters;
type Value = { readonly value: string } | { readonly fault: FilterFault['kind'] };

const TERMS: Readonly<Record<string, { readonly name: Name; readonly read: (text: string) => Value }>> = {
  'user:': { name: 'user_id', read: (value) => ({ value }) },
  'ip:': { name: 'ip', read: (value) => ({ value }) },
  'idle>': { name: 'idle_over', read: (text) => measured(text, SECONDS, 'seconds') },
  'bytes>': { name: 'bytes_over', read: (text) => measured(text, BYTES, 'bytes') },
  'near:': { name: 'near_limit', read: percent },
  'state:': {
    name: 'state',
    read: (value) => (/^(?:live|ended)$/.test(value) ? { value } : { fault: 'state' }),
  },
};
export const FILTER_TERMS = Object.keys(TERMS);

const SECONDS: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, min: 60, h: 3600, d: 86_400 };
const BYTES: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
};
const SESSION_ID = /^[0-9a-f-]{36}$/i;
/** A path of a stored file, of which a folder is named by the digits of its session's id, or that name alone. */
const FOLDER = /(?:^|\/)([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})(?:\/[^"]*)?$/;
/** `user:"two words"`, `idle>600`, or a word of no term. Within quotes `\"` and `\\` stand for a quote and a backslash. */
const WORD = /([a-z]+[:>])?(?:"((?:[^"\\]|\\.)*)"|(\S+))?/gsy;

/**
 * Reads what an operator typed: `user:anna ip:10.0.0.0/8 idle>10m bytes>5MB near:80 state:ended`, or the id of a session, or the path of
 * a stored file.
 */
export function readFilter(text: string): ReadFilter {
  const typed = text.trim();
  if (SESSION_ID.test(typed)) return { kind: 'session', id: typed.toLowerCase() };
  const folder = /[\s:>]/.test(typed) ? null : FOLDER.exec(typed);
  if (folder) return { kind: 'session', id: folder.slice(1).join('-') };
  const faults: FilterFault[] = [];
  const parameters: { -readonly [Key in Name]?: string } = {};
  for (const { whole, key, given } of wordsOf(text)) {
    const term = TERMS[key];
    if (given === null) faults.push({ kind: 'quote', text: whole });
    else if (!term) faults.push({ kind: 'word', text: whole });
    else if (given === '') faults.push({ kind: 'empty', text: key });
    else if (parameters[term.name] !== undefined) faults.push({ kind: 'twice', text: key });
    else {
      const read = term.read(given);
      if ('fault' in read) faults.push({ kind: read.fault, text: whole });
      else parameters[term.name] = read.value;
    }
  }
  return faults.length > 0 ? { kind: 'invalid', faults } : { kind: 'valid', parameters };
}

/** One term of a filter, as it is typed. */
export function filterTerm(key: 'user:' | 'ip:', value: string): string {
  return /[\s"\\]/.test(value) ? `${key}"${value.replaceAll(/["\\]/g, '\\$&')}"` : `${key}${value}`;
}

/** Whether it says which sessions, more than whether they are live. */
export function narrows(filter: FilterParameters): boolean {
  return Object.keys(filter).some((name) => name !== 'state');
}

/** `given` is `null` where a quote is not closed. */
function wordsOf(text: string): { whole: string; key: string; given: string | null }[] {
  const words: ReturnType<typeof wordsOf> = [];
  for (let at = 0; at < text.length;) {
    WORD.lastIndex = at;
    const [whole = '', key = '', quoted, plain = ''] = WORD.exec(text) ?? [];
    const given = quoted?.replaceAll(/\\(.)/gs, '$1') ?? (plain.startsWith('"') ? null : plain);
    if (whole !== '') words.push({ whole, key, given });
    at += Math.max(1, whole.length);
  }
  return words;
}

function measured(text: string, units: Readonly<Record<string, number>>, fault: 'seconds' | 'bytes'): Value {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)([a-z]*)$/i.exec(text) ?? [];
  const factor = units[unit.toLowerCase()];
  if (digits === undefined || factor === undefined) return { fault };
  return { value: String(Math.round(Number(digits) * factor)) };
}

function percent(text: string): Value {
  const digits = /^(\d+)%?$/.exec(text)?.[1];
  if (digits === undefined || Number(digits) < 1 || Number(digits) > 100) return { fault: 'percent' };
  return { value: digits };
}
