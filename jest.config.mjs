// Tests run against the built package, as users get it. They run as CommonJS: swc turns the ESM of the package and of
// its ESM-only dependencies into it, since jest's native ESM mode breaks on CommonJS packages that require Nest.
const swc = { swcrc: false, isModule: 'unknown', module: { type: 'commonjs' } };

// When jest says "Must use import to load ES Module: .../node_modules/X", add X.
const esmPackages = ['@nestjs', 'cookie', 'content-disposition', 'music-metadata', 'file-type', 'strtok3', 'token-types',
  'uint8array-extras', '@tokenizer', '@borewit', 'pretty-bytes', 'win-guid', 'set-cookie-parser'];

/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  moduleFileExtensions: ['js', 'mjs', 'cjs', 'json', 'ts'],
  testMatch: ['<rootDir>/test/**/*.spec.ts'],
  testTimeout: 30_000,
  testSequencer: './tools/test-order.mjs',
  transform: {
    '^.+\\.ts$': ['@swc/jest', {
      ...swc,
      sourceMaps: 'inline',
      jsc: {
        target: 'es2023',
        keepClassNames: true,
        parser: { syntax: 'typescript', decorators: true },
        transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
      },
    }],
    '/(node_modules|libs/sessions/dist|dist)/.+\\.m?js$': ['@swc/jest', { ...swc, sourceMaps: false, jsc: { target: 'es2023', parser: { syntax: 'ecmascript' } } }],
  },
  transformIgnorePatterns: [`/node_modules/(?!(?:.+/node_modules/)?(?:${esmPackages.join('|')})/)`],
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    '^#sessions/(.*)$': '<rootDir>/libs/sessions/dist/$1.js',
    '^#app/(.*)$': '<rootDir>/dist/$1.js',
  },
};
