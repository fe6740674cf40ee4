import { resolveConfig, type SessionsConfig } from '#sessions/core/config/config';

/** Small limits, so that a load meets all of them all the time. */
export const slimConfig: SessionsConfig = resolveConfig(
  {
    maxResources: 6,
    maxBytes: 1_250_000,
    maxSessions: 8,
    openRate: 0,
    maxUnconfirmedPerNetwork: 0,
    maxSessionsPerNetwork: 0,
    ballastBytes: 65_536,
    minFreeBytes: 0,
    minFreeInodes: 0,
    orphanGraceSeconds: 60,
    bindIp: 'off',
    bindAgent: 'off',
  },
  {},
);
