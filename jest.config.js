/**
 * Tests run as the compiler emitted them (dist/): what is tested is what is shipped, and no transformer stands between.
 * Fast ones first: unit, then integration, then end to end and faults (see test/sequencer.cjs).
 */
export default {
  rootDir: 'dist',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.js'],
  testEnvironment: 'node',
  transform: {},
  testTimeout: 30_000,
  maxWorkers: 2,
};
