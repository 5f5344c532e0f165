/** How a box in a picture becomes a network's input; stored beside every model so that it is always fed alike. */
import { z } from 'zod';

export const preprocessingSchema = z.object({
  version: z.literal(1),
  /** Side of the square input, pixels. */
  inputSize: z.int().min(1),
  channels: z.literal('RGB'),
  layout: z.literal('NHWC'),
  crop: z.object({
    /** Context kept around a box, as a share of its width and height, on each side. */
    margin: z.number().min(0),
    /** The enlarged box is cut at the picture's edges and rounded outwards to whole pixels. */
    clamp: z.literal(true),
  }),
  resize: z.object({ fit: z.literal('fill'), kernel: z.enum(['linear', 'cubic', 'lanczos3']) }),
  /** input = byte * scale + offset */
  scale: z.number(),
  offset: z.number(),
});
export type Preprocessing = z.infer<typeof preprocessingSchema>;

export function defaultPreprocessing(inputSize: number): Preprocessing {
  return {
    version: 1,
    inputSize,
    channels: 'RGB',
    layout: 'NHWC',
    // An 8-pixel light keeps about a pixel of its housing on each side.
    crop: { margin: 0.1, clamp: true },
    resize: { fit: 'fill', kernel: 'cubic' },
    scale: 1 / 127.5,
    offset: -1,
  };
}
