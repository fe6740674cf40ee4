import { createHash } from 'node:crypto';
import { SecretMatcher } from '#sessions/core/config/secret-matcher';

const ONE = 'one-token-of-an-operator-with-32-chars';
const OTHER = 'another-token-of-an-operator-of-32-chars';

describe('The key id of a secret', () => {
  const secrets = new SecretMatcher([ONE, OTHER]);

  it.each([ONE, OTHER])('is the beginning of its SHA-256: %s', (secret) => {
    const digest = createHash('sha256').update(secret).digest('hex');
    expect(secrets.keyIdOf(secret)).toBe(digest.slice(0, 8));
  });

  it.each([undefined, null, '', [ONE], `${ONE},${OTHER}`, `${ONE} `, ONE.toUpperCase()])(
    'is none of %j',
    (presented) => expect([secrets.keyIdOf(presented), secrets.matches(presented)]).toEqual([null, false]),
  );
});
