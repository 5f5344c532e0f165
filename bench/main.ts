/** `npm run bench -- NAME [--json] [--OPTION NUMBER]`: runs one benchmark and prints its figures beside their targets. */
import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { type Benchmark, machine, met } from './support/harness.js';

const names = (await readdir(import.meta.dirname))
  .filter((file) => file.endsWith('.js') && file !== 'main.js')
  .map((file) => basename(file, '.js'))
  .sort();
const name = process.argv[2];
if (!name || !names.includes(name)) {
  console.error(`Usage: npm run bench -- NAME [--json] [--OPTION NUMBER]\nBenchmarks: ${names.join(', ')}`);
  process.exit(2);
}
const { bench } = (await import(`./${name}.js`)) as { bench: Benchmark };
const defaults = bench.options ?? {};
const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    json: { type: 'boolean', default: false },
    ...Object.fromEntries(Object.keys(defaults).map((option) => [option, { type: 'string' as const }])),
  },
});
const given = Object.entries(values).filter(([option]) => option !== 'json');
const options = {
  ...defaults,
  ...Object.fromEntries(given.map(([option, value]) => [option, Number(value)])),
};
for (const [option, value] of Object.entries(options)) {
  if (Number.isFinite(value)) continue;
  console.error(`--${option} takes a number.`);
  process.exit(2);
}
console.log(`${bench.title}\nnpm run bench -- ${process.argv.slice(2).join(' ')}\n${machine()}\n`);
const figures = await bench.run(options, (line) => console.log(line));
const table = new Table({ head: ['figure', 'measured', 'target', ''] });
for (const [figure, value] of Object.entries(figures)) {
  const target = bench.targets[figure];
  const wanted = target && ('min' in target ? `>= ${target.min}` : `<= ${target.max}`);
  table.push([
    figure,
    Number(value.toPrecision(4)).toLocaleString('en'),
    wanted ?? '',
    target ? (met(value, target) ? 'met' : 'missed') : '',
  ]);
}
console.log(table.toString());
const all = Object.entries(bench.targets).every(([figure, target]) => met(figures[figure], target));
if (values.json) console.log(JSON.stringify({ bench: name, figures, targets: bench.targets, met: all }));
// Pools of a benchmark that failed half-way must not keep the process.
process.exit(0);
