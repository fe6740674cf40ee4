import { join } from 'node:path';
import type { Campaign, CampaignContext } from '../campaign.ts';
import { pause, withFolder } from '../processes/scratch.ts';
import { runCli } from '../remote/cli.ts';
import { DAMAGES, type Damage, type Planted } from './damages.ts';
import { differences, type Dump } from './dump.ts';
import { RemoteServer } from '../remote/remote-server.ts';
import { GRACE_MS, Ground, OPTIONS } from './ground.ts';

type Report = Awaited<ReturnType<Ground['examine']>>;

/** Damages of one round: they are done one by one, and found and mended together. */
const TOGETHER = 9;
/** Nothing is in motion in a round: what a process may be about to register again need not be watched for long. */
const MOTION_MS = 100;
/** Looks beside servers that are at work, for so many damages one. */
const LOOKS_PER_DAMAGE = 0.5;

export const campaign: Campaign = {
  name: 'doctor',
  title: 'the doctor finds every damage, mends what is safe, changes nothing else, and finds nothing beside servers at work',
  goal: 240,
  short: 36,
  async run(context) {
    const kinds = new Set<string>();
    let tried = 0;
    const order = shuffled(DAMAGES, context.random);
    while (tried < context.count) {
      const chosen = Array.from({ length: TOGETHER }, (_, index) => order[(tried + index) % order.length]!);
      const hides = chosen.some(({ hidesRecords }) => hidesRecords);
      const damages = chosen.filter(({ needsRecords }) => !(hides && needsRecords));
      await withFolder((folder) => hurt(join(folder, 'root'), damages, context));
      for (const { name } of damages) kinds.add(name);
      tried += damages.length;
      context.progress(tried, context.count);
    }
    await withFolder((folder) => lookBeside(join(folder, 'root'), context));
    context.note(`${kinds.size} kinds of damage`);
    return { tried };
  },
};

async function hurt(root: string, damages: readonly Damage[], context: CampaignContext): Promise<void> {
  const ground = await Ground.make(root, context.random, false, MOTION_MS);
  try {
    await ground.populate();
    const whole = ground.dump();
    expectNothing(await ground.examine(), 'before any damage', context);
    const planted: Planted[] = [];
    const told = new Set<string>();
    const victims = ground.victims();
    for (const [index, damage] of damages.entries()) {
      const victim = victims[index];
      if (victim === undefined) throw new Error('too few sessions');
      const before = ground.dump();
      const one = await damage.plant(ground, victim);
      planted.push(one);
      if (one.undo) for (const name of differences(before, ground.dump())) told.add(name);
    }
    // Files of a moment ago are no orphans yet.
    await pause(GRACE_MS);
    const damaged = ground.dump();
    const names = damages.map(({ name }) => name).join('; ');
    const found = await ground.examine();
    expectFound(found, planted, names, context);
    expectSame(damaged, ground.dump(), [], `the look at ${names} changed`, context);

    const report = await ground.repair();
    const mended = ground.dump();
    expectMended(report, planted, names, context);
    const leaves = planted.flatMap((one) => [...(one.leaves ?? [])]);
    const touched = [...differences(whole, damaged), ...leaves];
    expectSame(damaged, mended, touched, `the repair of ${names} changed`, context);
    expectSame(whole, mended, [...told, ...leaves], `the repair of ${names} left`, context);

    const again = await ground.repair();
    if (again.mended.length > 0) context.violation(`a second repair mended ${codes(again.mended)} of ${names}`);
    expectSame(mended, ground.dump(), [], `the second repair of ${names} changed`, context);
    for (const { undo } of planted) undo?.();
    // What counted without an unreadable record counts with it again.
    await ground.repair();
    expectNothing(await ground.repair(), `after ${names}`, context);
    expectSame(whole, ground.dump(), leaves, `at the end of ${names}, there differ`, context);
    const { code, stdout } = await runCli(root, ['doctor', '--json']);
    if (code !== 0) context.violation(`the command exits with ${code} after ${names}: ${stdout}`);
  } finally {
    await ground.close();
  }
}

/** Servers that open, upload, download, log in, end and clean up: the doctor has nothing to say, and mends nothing. */
async function lookBeside(root: string, context: CampaignContext): Promise<void> {
  const ground = await Ground.make(root, context.random, true);
  const other = await RemoteServer.start({ root, options: OPTIONS, cleansUp: true });
  const load = { sessions: 0, isOver: false };
  try {
    const visitors = Array.from({ length: 6 }, (_, index) =>
      visit(index % 2 === 0 ? ground.server : other, context.random, load),
    );
    const looks = Math.ceil(context.count * LOOKS_PER_DAMAGE);
    for (let look = 0; look < looks; look += 1) {
      const report = look % 3 === 2 ? await ground.repair() : await ground.examine();
      expectNothing(report, 'beside servers at work', context);
    }
    load.isOver = true;
    await Promise.all(visitors);
    context.note(`${looks} looks beside servers that served ${load.sessions} sessions`);
  } finally {
    load.isOver = true;
    await other.stop();
    await ground.close();
  }
}

async function visit(server: RemoteServer, random: () => number, load: { sessions: number; isOver: boolean }): Promise<void> {
  while (!load.isOver) {
    const [opened] = await server.ask.open(1);
    if (opened === undefined) return;
    const { token } = await server.ask.login(opened.token, `user ${Math.floor(random() * 5)}`);
    const uploads = Array.from({ length: 3 }, () => server.ask.upload(opened.id, [Math.floor(random() * 9000), 10]));
    await server.ask.request(token ?? opened.token);
    const isHasty = random() < 0.3;
    if (isHasty) await server.ask.end(opened.id);
    for (const { resourceId } of await Promise.all(uploads))
      if (resourceId !== null && !isHasty) await server.ask.download(resourceId);
    if (random() < 0.5) await server.ask.end(opened.id);
    load.sessions += 1;
  }
}

function expectFound(report: Report, planted: readonly Planted[], names: string, context: CampaignContext): void {
  for (const one of planted) {
    const isIt = (finding: Report['findings'][number]): boolean =>
      finding.code === one.code && (one.subject === null || finding.subject === one.subject);
    const finding = report.findings.find(isIt);
    if (!finding) context.violation(`${one.code} ${one.subject ?? ''} was not found among ${names}`);
    else if (finding.remedy === '') context.violation(`${one.code}: nothing is said to do`);
  }
  const expected = new Set(planted.flatMap(({ code, alsoCodes = [] }) => [code, ...alsoCodes]));
  const others = report.findings.filter(({ code, severity }) => severity !== 'info' && !expected.has(code));
  if (others.length > 0) context.violation(`${codes(others)} were found, though only ${names} were planted`);
}

function expectMended(report: Report, planted: readonly Planted[], names: string, context: CampaignContext): void {
  const told = new Set(planted.flatMap(({ code, isMended, alsoCodes = [] }) => [...(isMended ? [] : [code]), ...alsoCodes]));
  const left = report.findings.filter(({ code, severity }) => severity !== 'info' && !told.has(code));
  if (left.length > 0) context.violation(`${codes(left)} were not mended, of ${names}`);
  for (const { code, subject, isMended } of planted) {
    const isIn = report.mended.some((one) => one.code === code && (subject === null || one.subject === subject));
    if (isIn !== isMended) context.violation(`${code} ${subject ?? ''} was ${isIn ? '' : 'not '}mended, of ${names}`);
  }
}

function expectNothing(report: Report, when: string, context: CampaignContext): void {
  const findings = [...report.findings.filter(({ severity }) => severity !== 'info'), ...report.mended];
  if (findings.length > 0) context.violation(`${when}: ${codes(findings)}`);
}

/** Nothing differs but what begins with one of these names. */
function expectSame(before: Dump, after: Dump, except: readonly string[], what: string, context: CampaignContext): void {
  const changed = differences(before, after).filter((name) => !except.some((one) => name.startsWith(one)));
  expectNone(changed, what, context);
}

function expectNone(names: readonly string[], what: string, context: CampaignContext): void {
  if (names.length > 0) context.violation(`${what} ${names.join(', ')}`);
}

function codes(findings: Report['findings']): string {
  return findings.map(({ code, subject, what }) => `${code} ${subject ?? ''} (${what})`).join(', ');
}

function shuffled<Value>(values: readonly Value[], random: () => number): Value[] {
  return values
    .map((value) => ({ value, order: random() }))
    .toSorted((a, b) => a.order - b.order)
    .map(({ value }) => value);
}
