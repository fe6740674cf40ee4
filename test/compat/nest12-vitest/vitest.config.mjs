export default {
  test: {
    globals: true,
    include: ['test/compat/*.test.ts', 'test/compat/nest12-vitest/five-minutes.test.ts'],
    testTimeout: 60_000,
  },
};
