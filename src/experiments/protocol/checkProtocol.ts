/** What a protocol may say. */
import { z } from 'zod';
import { UserErrors } from '../../graphql/userError.js';
import { ShingoError } from '../../platform/error.js';
import type { ProtocolValues } from './standard.js';

const rising = (values: number[]) =>
  values.every((value, at) => at === 0 || value > (values[at - 1] as number));
const RISING = 'rises from one to the next';

const schema = z.object({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9_-]{0,62}$/, 'is of small letters, digits, - and _, a letter first, at most 63'),
  iouThresholds: z.array(z.number().min(0.05).max(1)).max(20).refine(rising, RISING),
  maxDetections: z.array(z.int().min(1).max(300)).max(5).refine(rising, RISING),
  scoreThreshold: z.number().min(0).max(1),
  sizeBounds: z.array(z.number().positive().max(100_000)).max(8).refine(rising, RISING),
  confidence: z.number().min(0.5).max(0.9999),
  resamples: z.int().min(100).max(10_000),
  seed: z
    .int()
    .min(0)
    .max(2 ** 31 - 1),
  minimumN: z.int().min(1).max(1_000_000),
  maxChangedShare: z.number().min(0).max(1),
  maxScoreDifference: z.number().min(0).max(1),
});

/** @throws UserErrors BAD_USER_INPUT, one for each wrong value */
export function checkProtocol(values: ProtocolValues): ProtocolValues {
  const problems: { field: string; message: string }[] =
    schema
      .safeParse(values)
      .error?.issues.map(({ path, message }) => ({ field: String(path[0]), message })) ?? [];
  if (values.task === 'LIGHT_DETECTION') {
    const { iouThresholds, maxDetections } = values;
    if (!iouThresholds.includes(0.5))
      problems.push({ field: 'iouThresholds', message: 'has 0.5, which recall and confusion go by' });
    if (maxDetections.length === 0)
      problems.push({ field: 'maxDetections', message: 'has one number at least' });
  } else if (values.iouThresholds.length > 0 || values.maxDetections.length > 0) {
    problems.push({ field: 'iouThresholds', message: 'and maxDetections are of LIGHT_DETECTION only' });
  }
  if (problems.length === 0) return values;
  throw new UserErrors(
    problems.map(
      ({ field, message }) => new ShingoError('BAD_USER_INPUT', `${field} ${message}.`, 400, [field]),
    ),
  );
}
