import shared from '../../../jest.config.mjs';

// As an application in CommonJS needs it where Jest cannot load ESM by itself.
const esmPackages = ['nest-sessions', 'cookie', 'content-disposition', 'pretty-bytes'];

/** @type {import('jest').Config} */
export default {
  ...shared,
  cacheDirectory: '<rootDir>/.jest-cache',
  roots: ['<rootDir>/test'],
  testMatch: [
    '<rootDir>/test/{http,ws,socketio,admin,health,metrics,throttler}/**/*.spec.ts',
    '<rootDir>/test/compat/consumer.test.ts',
  ],
  transformIgnorePatterns: [`/node_modules/(?!(?:${esmPackages.join('|')})/)`],
  moduleNameMapper: {
    ...shared.moduleNameMapper,
    '^#sessions/(.*)$': '<rootDir>/node_modules/nest-sessions/dist/$1.js',
  },
};
