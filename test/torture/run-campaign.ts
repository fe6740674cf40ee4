// One campaign in a process of its own: what it leaks, or how it dies, touches no other. Started by main.ts alone.
import { inspect } from 'node:util';
import type { CampaignContext } from './campaign.ts';
import { loadCampaign } from './campaigns.ts';
import { seededRandom } from './random.ts';
import type { Report } from './report.ts';

const SHOWN_VIOLATIONS = 20;
const PROGRESS_MS = 60_000;

const [name = '', count = '', seed = ''] = process.argv.slice(2);
// However it is broken off, what listens to the exit can undo its mounts.
for (const sign of ['disconnect', 'SIGINT', 'SIGTERM']) process.once(sign, () => process.exit(1));
const report = await run(Number(count), Number(seed));
process.send?.(report, () => process.disconnect());

async function run(count: number, seed: number): Promise<Report> {
  const campaign = await loadCampaign(name);
  const notes: string[] = [];
  let toldAt = performance.now();
  let violations = 0;
  const context: CampaignContext = {
    count,
    seed,
    random: seededRandom(seed),
    violation(message) {
      violations += 1;
      if (violations <= SHOWN_VIOLATIONS) console.error(`${name}: VIOLATION: ${message}`);
      if (violations === SHOWN_VIOLATIONS + 1) console.error(`${name}: further violations are counted only`);
    },
    progress(done, of) {
      if (performance.now() - toldAt < PROGRESS_MS) return;
      toldAt = performance.now();
      console.error(`${name}: ${done} of ${of}, ${violations} violations ...`);
    },
    note: (message) => void notes.push(message),
  };

  const startedAt = performance.now();
  let tried = 0;
  try {
    ({ tried } = await campaign.run(context));
    if (tried === 0) context.violation('nothing was tried');
  } catch (error) {
    context.violation(`the campaign broke off: ${inspect(error)}`);
  }
  return { name, tried, violations, seed, ms: performance.now() - startedAt, notes };
}
