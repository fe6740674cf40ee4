import type { SessionDetail } from '../../server/answers.js';

export const LIMIT_NAMES = ['files', 'bytes', 'streams'] as const;

export interface LimitUse {
  readonly name: (typeof LIMIT_NAMES)[number];
  readonly used: number;
  readonly max: number;
  readonly share: number;
}

/** Limits that the server tells of. */
export function limitsOf({ limits }: SessionDetail): LimitUse[] {
  return LIMIT_NAMES.flatMap((name) => {
    const use = limits?.[name];
    return use ? [{ name, used: use.used, max: use.max, share: use.used_percent }] : [];
  });
}
