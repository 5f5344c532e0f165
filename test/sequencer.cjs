// Fast tests first: a broken unit is heard of in seconds, not after the end-to-end run.
const { default: Sequencer } = require('@jest/test-sequencer');

const ORDER = ['/unit/', '/integration/', '/faults/', '/e2e/'];
const rank = ({ path }) => ORDER.findIndex((folder) => path.includes(folder));

module.exports = class FastFirst extends Sequencer {
  sort(tests) {
    return [...tests].sort((a, b) => rank(a) - rank(b) || (a.path < b.path ? -1 : 1));
  }
};
