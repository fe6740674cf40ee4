import type { Campaign } from './campaign.ts';

/** All campaigns, in the order in which they run and are told. */
export const campaignNames: readonly string[] = [
  'kill',
  'model',
  'disk',
  'sweeper',
  'limits',
  'quotas',
  'floods',
  'bad-input',
  'no-way-in',
  'streams',
  'clock',
  'power-cut',
  'two-processes',
  'failover',
  'ends-everywhere',
  'crowd',
  'cut-offs',
  'logins',
  'health',
  'doctor',
];

/** No promise of these is a matter of time: they run beside the others, at a lower priority, in the time that those wait. */
export const UNHURRIED: readonly string[] = ['model', 'doctor'];

export async function loadCampaign(name: string): Promise<Campaign> {
  const file = new URL(`./${name}/${name}.campaign.ts`, import.meta.url);
  const { campaign } = (await import(file.href)) as { campaign: Campaign };
  return campaign;
}
