import type { EvaluationProtocol } from '../../experiments/protocol/protocol.js';
import { ShingoError } from '../../platform/error.js';
import type { DriftBound } from '../../training/variants/drift.js';

const NAMES = ['maxChangedShare', 'maxScoreDifference'] as const;

/** What is not asked for is as the protocol says; what is asked for may only be tighter. @throws ShingoError BAD_USER_INPUT */
export function boundWithin(
  protocol: EvaluationProtocol,
  asked: { [K in (typeof NAMES)[number]]?: number | null },
): DriftBound {
  const bound = {
    maxChangedShare: protocol.maxChangedShare,
    maxScoreDifference: protocol.maxScoreDifference,
  };
  for (const name of NAMES) {
    const value = asked[name];
    if (value == null) continue;
    if (value > protocol[name]) {
      const message = `The protocol ${protocol.name} version ${protocol.version} allows a ${name} of ${protocol[name]} at most, not ${value}. updateEvaluationProtocol makes its next version.`;
      throw new ShingoError('BAD_USER_INPUT', message, 400, [name]);
    }
    bound[name] = value;
  }
  return bound;
}
