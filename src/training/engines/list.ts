/** `npm run engines [NAME …]`: which engines work here, and why the others do not. Exits 1 where a named one does not. */
import { ENGINES, type EngineName } from '../protocol.js';
import { probeEngines } from './present.js';

const named = process.argv.slice(2);
const unknown = named.filter((name) => !ENGINES.includes(name as EngineName));
if (unknown.length) {
  process.stderr.write(`No engine is called ${unknown.join(', ')}; there are ${ENGINES.join(', ')}.\n`);
  process.exit(2);
}
const probes = await probeEngines(named.length ? (named as EngineName[]) : ENGINES);
for (const { engine, works, reason } of probes)
  process.stdout.write(`${engine.padEnd(7)} ${works ? 'works ' : 'absent'} ${reason}\n`);
process.exit(named.length && probes.some(({ works }) => !works) ? 1 : 0);
