/** The process that tries one engine, for `probeEngines`. */
import type { EngineName } from '../protocol.js';
import { firstLine } from './packages.js';
import { startEngine } from './index.js';

const engine = process.argv[2] as EngineName;
const answer = await startEngine(engine).then(
  ({ reason }) => ({ engine, works: true, reason: reason.replace(/; chosen by name\.$/, '') }),
  (error: unknown) => ({ engine, works: false, reason: firstLine(error) }),
);
process.send?.(answer, () => process.exit(0));
