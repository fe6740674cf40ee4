import { browserOf, type BindingRule } from '../../domain/binding.js';
import { masked, memoized } from './client-address.js';
import type { SessionsSettings } from './settings.js';

/** The options `bindIp` and `bindAgent` as one rule. */
export function bindingRuleOf({
  bindIp,
  bindAgent,
}: Pick<SessionsSettings, 'bindIp' | 'bindAgent'>): BindingRule {
  return Object.freeze({
    addressKey: addressKeyOf(bindIp),
    learnsOtherFamily: bindIp === 'dual',
    agentKey: agentKeyOf(bindAgent),
    admitsPlayers: bindAgent === 'browser',
  });
}

function addressKeyOf(mode: SessionsSettings['bindIp']): BindingRule['addressKey'] {
  if (mode === 'off') return null;
  return mode === 'exact' ? asItIs : masked(mode === 'dual' ? 32 : 24, 64);
}

function agentKeyOf(mode: SessionsSettings['bindAgent']): BindingRule['agentKey'] {
  if (mode === 'off') return null;
  return mode === 'exact' ? asItIs : memoized(browserOf);
}

function asItIs(text: string): string {
  return text;
}
