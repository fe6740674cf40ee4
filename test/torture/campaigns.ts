import type { Campaign } from './campaign.ts';

/** All campaigns, in the order in which they run and are told. */
export const campaignNames: readonly string[] = [
  'kill',
  'model',
  'disk',
  'sweeper',
  'limits',
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
];

export async function loadCampaign(name: string): Promise<Campaign> {
  const file = new URL(`./${name}/${name}.campaign.ts`, import.meta.url);
  const { campaign } = (await import(file.href)) as { campaign: Campaign };
  return campaign;
}
