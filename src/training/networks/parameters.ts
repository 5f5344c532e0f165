/** Parameters that several networks have. */
import { z } from 'zod';

export const inputSize = z
  .int()
  .min(16)
  .max(224)
  .default(32)
  .describe('Side of the square that a crop is resized to, in pixels.');

/** The published weights' widths are 0.35 to 1.4; what is narrower than 0.25 serves tests. */
export const widthMultiplier = z
  .number()
  .min(0.1)
  .max(1.4)
  .default(0.35)
  .describe('Factor on the channels of every layer (alpha).');
