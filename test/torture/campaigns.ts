import { existsSync } from 'node:fs';
import type { Campaign } from './campaign.ts';

/** All campaigns, in the order in which they run and are told. */
const NAMES = [
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
];

export const campaignNames = NAMES.filter((name) => existsSync(fileOf(name)));

export async function loadCampaign(name: string): Promise<Campaign> {
  const { campaign } = (await import(fileOf(name).href)) as { campaign: Campaign };
  return campaign;
}

function fileOf(name: string): URL {
  return new URL(`./${name}/${name}.campaign.ts`, import.meta.url);
}
