import shared from '../../../jest.config.mjs';

// Workers inherit it: see test/support/http-app.ts.
process.env.TEST_STORE = 'memory';

// As an application in CommonJS needs it where Jest cannot load ESM by itself.
const esmPackages = ['nest-sessions', 'cookie', 'content-disposition', 'pretty-bytes'];
// What the upload option `contents` loads.
const ofContents = ['file-type', 'strtok3', 'token-types', 'uint8array-extras', '@tokenizer', '@borewit'];

/** @type {import('jest').Config} */
export default {
  ...shared,
  cacheDirectory: '<rootDir>/.jest-cache',
  roots: ['<rootDir>/test'],
  testMatch: [
    '<rootDir>/test/{http,ws,socketio,admin,health,metrics,throttler}/**/*.spec.ts',
    // They try the reference app, and what a browser does with the files that other suites fetch.
    '!**/test/metrics/shipped-*',
    '!**/test/admin/page-ui/**',
    // They try what the stores answer, behind routes that the other suites call on this Nest too.
    '!**/test/admin/admin-{audit,bulk,filters,large-pages,paging,timeline,trends,users}.spec.ts',
    '!**/test/http/upload-untouched.spec.ts',
    '<rootDir>/test/compat/consumer.test.ts',
    '<rootDir>/test/compat/testing-page.test.ts',
  ],
  transformIgnorePatterns: [`/node_modules/(?!(?:${[...esmPackages, ...ofContents].join('|')})/)`],
  moduleNameMapper: {
    ...shared.moduleNameMapper,
    // Its `exports` have no condition for `require`.
    '^file-type$': '<rootDir>/node_modules/file-type/index.js',
    '^#sessions/(.*)$': '<rootDir>/node_modules/nest-sessions/dist/$1.js',
  },
};
