import { sleepSinceBoot, systemClocks } from '#sessions/core/clock/machine-clocks';

const HOUR = 3_600_000;
const BOOTED = 1_800_000_000_000;

/** A machine that was booted ten hours ago and slept for eight of them. */
const slept = { monotonicMs: 2 * HOUR, wallMs: BOOTED + 10 * HOUR, uptimeMs: 10 * HOUR, bootedAtMs: BOOTED };
/** One that never slept. */
const awake = { monotonicMs: 2 * HOUR, wallMs: BOOTED + 2 * HOUR, uptimeMs: 2 * HOUR, bootedAtMs: BOOTED };

describe('How long a machine slept', () => {
  it.each([
    ['its uptime tells', slept, 8 * HOUR],
    ['its uptime tells, whose boot has whole seconds', { ...slept, bootedAtMs: BOOTED - 999 }, 8 * HOUR],
    ['nothing, it never slept', awake, 0],
    ['nothing, and the uptime is a hundredth behind', { ...awake, uptimeMs: awake.uptimeMs - 10 }, 0],
    ['a container gives its own age as uptime', { ...slept, uptimeMs: 3000 }, 8 * HOUR],
    ['a container older than the time awake does', { ...slept, uptimeMs: 5 * HOUR }, 8 * HOUR],
    ['a container gives its age, and the machine never slept', { ...awake, uptimeMs: 3000 }, 0],
    ['there is no uptime', { ...slept, uptimeMs: null }, 8 * HOUR],
    ['there is no time of the boot to check the uptime by', { ...slept, bootedAtMs: null }, 0],
    ['there is neither', { ...slept, uptimeMs: null, bootedAtMs: null }, 0],
    ['a namespace has a monotonic clock far ahead', { ...awake, monotonicMs: 99 * HOUR }, 0],
  ])('is known where %s', (_what, facts, expected) => {
    expect(sleepSinceBoot(facts)).toBe(expected);
  });

  it('is read from this system', () => {
    expect(systemClocks.sleptMs()).toBeGreaterThanOrEqual(0);
    expect(systemClocks.sleptMs()).toBeLessThan(Date.now());
  });
});
