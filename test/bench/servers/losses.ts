/** What a crash can take, for each kind of store: no figure means much without it. */
export const LOSSES: readonly string[] = [
  'What a crash can lose, SQLite: no session, end, user or new token that was answered, for each is on the disk before; of activity, the last second.',
  'What a crash can lose, Redis, ours and the peers’ alike: whatever Redis loses as it is configured, here everything (`--save "" --appendonly no`); of activity, ours also the last second.',
  'What a crash can lose, memory: everything.',
];
