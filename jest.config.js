/**
 * Tests run as the compiler emitted them (dist/): what is tested is what is shipped, and no transformer stands between.
 */
export default {
  rootDir: 'dist',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.js'],
  testEnvironment: '<rootDir>/../test/environment.cjs',
  testSequencer: '<rootDir>/../test/sequencer.cjs',
  globalSetup: '<rootDir>/test/support/globalSetup.js',
  globalTeardown: '<rootDir>/test/support/globalTeardown.js',
  transform: {},
  testTimeout: 60_000,
  maxWorkers: 2,
};
