import { nearMissesIn } from '#sessions/core/config/near-misses';

describe('Variables that resemble ours', () => {
  it.each([
    ['MAX_SESSION_IDEL_TIME', 'MAX_SESSION_IDLE_TIME'],
    ['MAX_SESSION', 'MAX_SESSIONS'],
    ['SESSION_STORAGE_PAHT', 'SESSION_STORAGE_PATH'],
    ['ADMIN_TOKENS', 'ADMIN_TOKEN'],
    ['ADMIN_TOKEN_FILES', 'ADMIN_TOKEN_FILE'],
    ['SESSIONS_STORE', 'SESSION_STORE'],
  ])('%s is told, with %s', (name, meant) => {
    expect(nearMissesIn({ [name]: '1', HOME: '/root' })).toEqual([{ name, meant }]);
  });

  it('are none of ours, and none of others', () => {
    const environment = {
      MAX_SESSIONS: '1',
      ADMIN_TOKEN_FILE: 'x',
      PATH: '/bin',
      SESSION_SECRET: 'x',
      PORT: '1',
    };
    expect(nearMissesIn(environment)).toEqual([]);
  });
});
