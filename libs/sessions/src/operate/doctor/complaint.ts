/** `error`: a promise is broken, or data are in danger; `warning`: it may become one; `info`: good to know, nothing to do. */
export type Severity = 'error' | 'warning' | 'info';

/** What the doctor found. */
export interface DoctorFinding {
  /** A fixed word. */
  readonly code: string;
  readonly severity: Severity;
  /** What it is about: an id, the name of a budget, a file below the storage folder; `null` for the whole. */
  readonly subject: string | null;
  /** A sentence. */
  readonly what: string;
  /** What an operator does, if it is not mended. */
  readonly remedy: string;
  /** Whether `--repair` mends it. */
  readonly mendable: boolean;
}

/** A finding, with the way to mend it. */
export interface Complaint extends DoctorFinding {
  /** Answers whether something was changed. May be repeated. */
  readonly mend: (() => Promise<boolean>) | null;
}

/** Makes a complaint; `mend` absent: only an operator can. */
export function complaint(
  code: string,
  severity: Severity,
  about: { readonly subject?: string | null; readonly what: string; readonly remedy: string },
  mend: (() => Promise<boolean>) | null = null,
): Complaint {
  const { subject = null, what, remedy } = about;
  return { code, severity, subject, what, remedy, mendable: mend !== null, mend };
}

/** Names the first of many: `a, b, c and 5 more`. */
export function named(names: readonly string[], count = names.length): string {
  const first = names.slice(0, 3);
  const more = count - first.length;
  return first.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

export function isSame(a: DoctorFinding, b: DoctorFinding): boolean {
  return a.code === b.code && a.subject === b.subject;
}
