/** How a frame becomes the network's input, and its output boxes: stored beside every model, so that it is always used alike. */
import { z } from 'zod';
import type { DetectionParameters } from '../../detectionParameters.js';
import { SIZE_UNIT, STRIDE } from './geometry.js';

export const detectionPreprocessingSchema = z.object({
  version: z.literal(1),
  task: z.literal('LIGHT_DETECTION'),
  /** Pixels. */
  inputWidth: z.int().min(1),
  inputHeight: z.int().min(1),
  channels: z.literal('RGB'),
  layout: z.literal('NHWC'),
  /** The whole frame, its sides stretched each for itself: no bars, and no pixel of the input is wasted on them. */
  resize: z.object({ fit: z.literal('fill'), kernel: z.literal('linear') }),
  /** input = byte * scale + offset */
  scale: z.number(),
  offset: z.number(),
  /**
   * A cell of the outputs is `stride` input pixels a side. `heat` holds each class's probability of a centre in the
   * cell; a peak is a cell that no neighbour exceeds. `box` holds the natural logarithms of width and height in units of `sizeUnit` cells, and
   * where in its cell the centre is. A box goes back to pixels of the frame by frame size / output size, each side for itself.
   */
  decoding: z.object({
    stride: z.literal(STRIDE),
    sizeUnit: z.literal(SIZE_UNIT),
    maxDetections: z.int().min(1).max(300),
  }),
});
export type DetectionPreprocessing = z.infer<typeof detectionPreprocessingSchema>;

export function detectionPreprocessing(parameters: DetectionParameters): DetectionPreprocessing {
  const { inputWidth, inputHeight, maxDetections } = parameters;
  return {
    version: 1,
    task: 'LIGHT_DETECTION',
    inputWidth,
    inputHeight,
    channels: 'RGB',
    layout: 'NHWC',
    resize: { fit: 'fill', kernel: 'linear' },
    scale: 1 / 127.5,
    offset: -1,
    decoding: { stride: STRIDE, sizeUnit: SIZE_UNIT, maxDetections },
  };
}
