/** What every network says of itself. Nothing here loads TensorFlow.js: the API lists networks and checks parameters. */
import type { z } from 'zod';
import type { tfl } from '../tensorflow.js';
import type { Layers } from './layers.js';

/** What can be learnt: the colour of the light in a crop; boxes with colours in a whole frame. */
export const TASKS = ['LIGHT_STATE', 'LIGHT_DETECTION'] as const;
export type TaskName = (typeof TASKS)[number];

/** Pixels. */
export interface InputShape {
  height: number;
  width: number;
}

/** A network without what makes answers of its features. */
export interface Body {
  /** [batch, height, width, 3] in -1…1. */
  input: tfl.SymbolicTensor;
  /**
   * The deepest map [batch, height / stride, width / stride, channels] at this stride, a power of two.
   * @throws Error where the network has none
   */
  features(stride: number): tfl.SymbolicTensor;
  /** The deepest of all. */
  last: tfl.SymbolicTensor;
}

/** One file in this folder each; `index.ts` lists them. */
export interface Network<S extends z.ZodRawShape = z.ZodRawShape> {
  /** What `algorithm` calls it. */
  name: string;
  title: string;
  /** Who described it, and where. */
  reference: string;
  tasks: readonly TaskName[];
  /** Ranges and defaults; the API shows and checks them. */
  parameters: z.ZodObject<S>;
  /** Name prefixes of its layers, from the picture inwards: what `freezeBlocks` counts. */
  blocks(parameters: z.output<z.ZodObject<S>>): string[];
  body(layers: Layers, shape: InputShape, parameters: z.output<z.ZodObject<S>>): Body;
  /** `body.last` → [batch, channels], what a classifier reads. */
  pooled(layers: Layers, x: tfl.SymbolicTensor, parameters: z.output<z.ZodObject<S>>): tfl.SymbolicTensor;
}

/** Gives `parameters` its type in the functions beside it. */
export const defineNetwork = <S extends z.ZodRawShape>(network: Network<S>): Network<S> => network;

/** Channels as the reference code rounds them: to a multiple of 8, never more than 10 % down. */
export function makeDivisible(channels: number, divisor = 8): number {
  const rounded = Math.max(divisor, Math.floor((channels + divisor / 2) / divisor) * divisor);
  return rounded < 0.9 * channels ? rounded + divisor : rounded;
}

/**
 * The stages' strides for an input size. The papers' multiply to 32, which at 32 px leaves a single pixel for the
 * last blocks. Where fewer than 2×2 would be left, the earliest stages keep their resolution instead: on 949 real
 * crops at 32 px, six epochs of MobileNetV2, that reads 98 % of unseen crops right where the paper's strides reach
 * 96 %, at 1.7 times the time; a last map of 4×4 cost 20 % more and gained nothing.
 * @param size the shorter side, px
 */
export function keepResolution(stem: number, strides: readonly number[], size: number): number[] {
  const stages = [...strides];
  const total = () => stem * stages.reduce((a, b) => a * b, 1);
  while (size / total() < 2 && stages.includes(2)) stages[stages.indexOf(2)] = 1;
  return stages;
}

/** Collects maps as they are made: of each stride the deepest stays. */
export class Features {
  private readonly maps = new Map<number, tfl.SymbolicTensor>();
  private stride = 1;
  private deepest: tfl.SymbolicTensor | undefined;

  constructor(private readonly input: tfl.SymbolicTensor) {}

  add(x: tfl.SymbolicTensor, stride: number): tfl.SymbolicTensor {
    this.stride *= stride;
    this.maps.set(this.stride, x);
    this.deepest = x;
    return x;
  }

  get body(): Body {
    const { input, maps } = this;
    return {
      input,
      last: this.deepest ?? input,
      features(stride) {
        const map = maps.get(stride);
        if (map) return map;
        throw new Error(
          `There are features at the strides ${[...maps.keys()].join(', ')}, not at ${stride}.`,
        );
      },
    };
  }
}
