import type { Doctor, DoctorReport } from '../../../libs/sessions/dist/operate/doctor/doctor.js';
import type { CampaignContext } from '../campaign.ts';
import { pause } from '../processes/scratch.ts';
import { differences, type Dump } from './dump.ts';

/** A minute is the least that the option takes: orphans are planted, not waited for. */
export const GRACE_MS = 200;

/** A store and a storage folder with a doctor, and a way around it. */
export interface Ground<Victim> {
  readonly root: string;
  readonly doctor: Doctor;
  populate(): Promise<void>;
  /** Sessions with files, in a random order. */
  victims(): Promise<readonly Victim[]>;
  dump(): Promise<Dump>;
  /** The command, in a process of its own. */
  command(...args: readonly string[]): Promise<{ readonly code: number | null; readonly stdout: string }>;
}

/** A damage that was done. */
export interface Planted {
  /** What the doctor has to say of it: code and subject; `null`: any. */
  readonly code: string;
  readonly subject: string | null;
  /** What else it may say of the same: rows without an owner are in totals too. */
  readonly alsoCodes?: readonly string[];
  /** Whether it mends it; else it only tells. */
  readonly isMended: boolean;
  /** What may differ from before the damage when it is mended, by the beginning of its name in the dump. */
  readonly leaves?: readonly string[];
  /** Whatever is only told of; the doctor must not have touched it. */
  readonly undo?: () => unknown;
}

export interface Damage<Of, Victim> {
  readonly name: string;
  /** Nothing is mended beside it: what cannot be read is in no count. */
  readonly standsAlone?: true;
  readonly plant: (ground: Of, victim: Victim) => Planted | Promise<Planted>;
}

/** The damages are done one by one, and found and mended together. */
export async function hurt<Victim, Of extends Ground<Victim>>(
  ground: Of,
  damages: readonly Damage<Of, Victim>[],
  context: CampaignContext,
): Promise<void> {
  const names = damages.map(({ name }) => name).join('; ');
  const whole = await ground.dump();
  expectNothing(await examine(ground), `before ${names}`, context);
  const planted: Planted[] = [];
  const told = new Set<string>();
  const victims = await ground.victims();
  for (const [index, damage] of damages.entries()) {
    const victim = victims[index];
    if (victim === undefined) throw new Error('too few sessions');
    const before = await ground.dump();
    const one = await damage.plant(ground, victim);
    planted.push(one);
    if (one.undo) for (const name of differences(before, await ground.dump())) told.add(name);
  }
  // Files of a moment ago are no orphans yet.
  await pause(GRACE_MS);
  const damaged = await ground.dump();
  expectFound(await examine(ground), planted, names, context);
  expectSame(damaged, await ground.dump(), [], `the look at ${names} changed`, context);

  const report = await repair(ground);
  const mended = await ground.dump();
  expectMended(report, planted, names, context);
  const leaves = planted.flatMap((one) => [...(one.leaves ?? [])]);
  const touched = [...differences(whole, damaged), ...leaves];
  expectSame(damaged, mended, touched, `the repair of ${names} changed`, context);
  expectSame(whole, mended, [...told, ...leaves], `the repair of ${names} left`, context);

  const again = await repair(ground);
  if (again.mended.length > 0) context.violation(`a second repair mended ${codes(again.mended)} of ${names}`);
  expectSame(mended, await ground.dump(), [], `the second repair of ${names} changed`, context);
  for (const { undo } of planted) await undo?.();
  expectNothing(await repair(ground), `after ${names}`, context);
  expectSame(whole, await ground.dump(), leaves, `at the end of ${names}, there differ`, context);
  if (damages.length > 1) return;
  const { code, stdout } = await ground.command('doctor', '--json');
  if (code !== 0) context.violation(`the command exits with ${code} after ${names}: ${stdout}`);
}

export function examine({ doctor }: Pick<Ground<unknown>, 'doctor'>): Promise<DoctorReport> {
  return doctor.examine(AbortSignal.timeout(60_000));
}

export function repair({ doctor }: Pick<Ground<unknown>, 'doctor'>): Promise<DoctorReport> {
  return doctor.repair(AbortSignal.timeout(60_000));
}

export function expectNothing(report: DoctorReport, when: string, context: CampaignContext): void {
  const findings = [...report.findings.filter(({ severity }) => severity !== 'info'), ...report.mended];
  if (findings.length > 0) context.violation(`${when}: ${codes(findings)}`);
}

function expectFound(
  report: DoctorReport,
  planted: readonly Planted[],
  names: string,
  context: CampaignContext,
): void {
  for (const { code, subject } of planted) {
    const finding = report.findings.find((one) => isOf(one, code, subject));
    if (!finding) context.violation(`${code} ${subject ?? ''} was not found among ${names}`);
    else if (finding.remedy === '') context.violation(`${code}: nothing is said to do`);
  }
  const expected = new Set(planted.flatMap(({ code, alsoCodes = [] }) => [code, ...alsoCodes]));
  const others = report.findings.filter(({ code, severity }) => severity !== 'info' && !expected.has(code));
  if (others.length > 0) context.violation(`${codes(others)} were found, though only ${names} were planted`);
}

function expectMended(
  report: DoctorReport,
  planted: readonly Planted[],
  names: string,
  context: CampaignContext,
): void {
  const told = new Set(
    planted.flatMap(({ code, isMended, alsoCodes = [] }) => [...(isMended ? [] : [code]), ...alsoCodes]),
  );
  const left = report.findings.filter(({ code, severity }) => severity !== 'info' && !told.has(code));
  if (left.length > 0) context.violation(`${codes(left)} were not mended, of ${names}`);
  for (const { code, subject, isMended } of planted) {
    const isIn = report.mended.some((one) => isOf(one, code, subject));
    if (isIn !== isMended)
      context.violation(`${code} ${subject ?? ''} was ${isIn ? '' : 'not '}mended, of ${names}`);
  }
}

function isOf(finding: DoctorReport['findings'][number], code: string, subject: string | null): boolean {
  return finding.code === code && (subject === null || finding.subject === subject);
}

/** Nothing differs but what begins with one of these names. */
function expectSame(
  before: Dump,
  after: Dump,
  except: readonly string[],
  what: string,
  context: CampaignContext,
): void {
  const changed = differences(before, after).filter((name) => !except.some((one) => name.startsWith(one)));
  if (changed.length > 0) context.violation(`${what} ${changed.join(', ')}`);
}

function codes(findings: DoctorReport['findings']): string {
  return findings.map(({ code, subject, what }) => `${code} ${subject ?? ''} (${what})`).join(', ');
}
