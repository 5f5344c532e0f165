/**
 * The gradient kernels that tfjs-backend-wasm 4.22 lacks, so that convolutional networks train on it.
 *
 * Measured on one core, MobileNetV2 α 0.35, 32 px with the paper's strides, batch 32:
 * - Depthwise filter gradient: loops in JavaScript 10 ms a step, composed of slice, multiply and sum 180 ms (the
 *   backend's StridedSlice is slow, and each of the 9 taps passes over memory three times).
 * - The backend's matMul with a transposed operand is a plain loop; transposing first and then multiplying runs on
 *   XNNPACK's SIMD code: 3 to 10 times faster.
 *
 * Shapes: x [batch, height, width, inChannels], dy [batch, outHeight, outWidth, outChannels]; NHWC only.
 */
import { tf } from '../tensorflow.js';
import { borrow, view } from './wasmTensors.js';

type Conv2DInfo = tf.backend_util.Conv2DInfo;
type Pair = [number, number];
export interface ConvAttributes {
  strides: Pair | number;
  dilations?: Pair | number;
  pad: 'valid' | 'same' | number | tf.backend_util.ExplicitPadding;
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
  dataFormat?: 'NHWC' | 'NCHW';
  filterShape: [number, number, number, number];
  inputShape: [number, number, number, number];
}
export interface KernelArguments {
  inputs: Record<string, tf.TensorInfo>;
  attributes: ConvAttributes;
}
type GradientKernel = (args: KernelArguments) => tf.Tensor;

const GRADIENT_KERNELS: Record<string, GradientKernel> = {
  Conv2DBackpropFilter: conv2DBackpropFilter,
  DepthwiseConv2dNativeBackpropFilter: depthwiseBackpropFilter,
  DepthwiseConv2dNativeBackpropInput: depthwiseBackpropInput,
};

/** Call once the `wasm` backend is registered. Calling again changes nothing. */
export function registerWasmGradients(): void {
  for (const [kernelName, gradient] of Object.entries(GRADIENT_KERNELS)) {
    if (tf.getKernel(kernelName, 'wasm')) continue;
    tf.registerKernel({ kernelName, backendName: 'wasm', kernelFunc: composed(gradient) });
  }
}

export function composed(gradient: GradientKernel): tf.KernelFunc {
  return ({ inputs, attrs }) => {
    const attributes = attrs as unknown as ConvAttributes;
    if (attributes.dataFormat === 'NCHW') throw new Error('wasm gradients: dataFormat NCHW is not supported');
    // tfjs-core refuses to differentiate dilated convolutions before it asks for a kernel.
    if (pair(attributes.dilations ?? 1).some((dilation) => dilation !== 1))
      throw new Error('wasm gradients: dilation is not supported');
    return tf.tidy(() => gradient({ inputs: inputs as Record<string, tf.TensorInfo>, attributes }));
  };
}

/** A 1×1 convolution at stride 1 is a matrix product. */
export function isPointwise(
  filterShape: readonly number[],
  { strides, pad, dataFormat }: ConvAttributes,
): boolean {
  const [strideHeight, strideWidth] = pair(strides);
  const padless = pad === 'same' || pad === 'valid' || pad === 0;
  return (
    filterShape[0] === 1 &&
    filterShape[1] === 1 &&
    strideHeight === 1 &&
    strideWidth === 1 &&
    padless &&
    dataFormat !== 'NCHW'
  );
}

function conv2DBackpropFilter({ inputs, attributes }: KernelArguments): tf.Tensor {
  const { filterShape } = attributes;
  const x = inputs.x!;
  const dy = tf.reshape(borrow(inputs.dy!), [-1, filterShape[3]]);
  if (isPointwise(filterShape, attributes))
    return tf.reshape(transposedMatMul(tf.reshape(borrow(x), [-1, filterShape[2]]), dy), filterShape);
  const info = convolution(x.shape, filterShape, attributes, false);
  return tf.reshape(transposedMatMul(patches(view(x), info), dy), filterShape);
}

/** aᵀ·b for tall a [rows, m] and b [rows, n]. Transposing the narrower one touches the least memory. */
function transposedMatMul(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  return a.shape[1]! <= b.shape[1]!
    ? tf.matMul(tf.transpose(a), b)
    : tf.transpose(tf.matMul(tf.transpose(b), a));
}

/** im2col: one row per output pixel, holding the input values that its filter saw (zero in the padding). */
function patches(x: Float32Array, info: Conv2DInfo): tf.Tensor2D {
  const { batchSize, outHeight, outWidth, filterHeight, filterWidth, inChannels } = info;
  const width = filterHeight * filterWidth * inChannels;
  const rows = batchSize * outHeight * outWidth;
  const columns = new Float32Array(rows * width);
  forEachTap(info, (tap, xOffset, dyRow) => {
    const start = dyRow * width + tap * inChannels;
    for (let c = 0; c < inChannels; c++) columns[start + c] = x[xOffset + c]!;
  });
  return tf.tensor2d(columns, [rows, width]);
}

function depthwiseBackpropFilter({ inputs, attributes }: KernelArguments): tf.Tensor {
  const { filterShape } = attributes;
  const [, , inChannels, multiplier] = filterShape;
  const x = view(inputs.x!);
  const dy = view(inputs.dy!);
  const info = convolution(inputs.x!.shape, filterShape, attributes, true);
  const outChannels = inChannels * multiplier;
  // Sums run in double precision and are rounded once.
  const sums = new Float64Array(tf.util.sizeFromShape(filterShape));
  forEachTap(info, (tap, xOffset, dyRow) => {
    const dyOffset = dyRow * outChannels;
    const sumOffset = tap * outChannels;
    if (multiplier === 1)
      for (let c = 0; c < inChannels; c++) sums[sumOffset + c]! += x[xOffset + c]! * dy[dyOffset + c]!;
    else
      for (let c = 0; c < outChannels; c++)
        sums[sumOffset + c]! += x[xOffset + Math.floor(c / multiplier)]! * dy[dyOffset + c]!;
  });
  return tf.tensor4d(Float32Array.from(sums), filterShape);
}

/** Calls `visit(tap, offset of the input pixel in x, row of the output pixel)` for all that lie inside the input. */
function forEachTap(info: Conv2DInfo, visit: (tap: number, xOffset: number, dyRow: number) => void): void {
  const { batchSize, inHeight, inWidth, inChannels, outHeight, outWidth, filterHeight, filterWidth } = info;
  for (let i = 0; i < filterHeight; i++)
    for (let j = 0; j < filterWidth; j++)
      for (let n = 0; n < batchSize; n++)
        for (let r = 0; r < outHeight; r++) {
          const y = r * info.strideHeight - info.padInfo.top + i;
          if (y < 0 || y >= inHeight) continue;
          for (let q = 0; q < outWidth; q++) {
            const x = q * info.strideWidth - info.padInfo.left + j;
            if (x < 0 || x >= inWidth) continue;
            const xOffset = ((n * inHeight + y) * inWidth + x) * inChannels;
            visit(i * filterWidth + j, xOffset, (n * outHeight + r) * outWidth + q);
          }
        }
}

/**
 * The input gradient of a convolution is a convolution: dy, with the zeros that the stride skipped put back,
 * convolved with the filter turned by 180°. One depthwise convolution per channel multiplier.
 */
function depthwiseBackpropInput({ inputs, attributes }: KernelArguments): tf.Tensor {
  const filter = borrow(inputs.filter!) as tf.Tensor4D;
  const [filterHeight, filterWidth, inChannels, multiplier] = filter.shape;
  const info = convolution(attributes.inputShape, filter.shape, attributes, true);
  const { batchSize, outHeight, outWidth } = info;
  const dy = tf.reshape(borrow(inputs.dy!), [batchSize, outHeight, outWidth, inChannels, multiplier]);
  const turned = tf.reverse(filter, [0, 1]);
  const parts = Array.from({ length: multiplier }, (_, m) => {
    const [dyPart, filterPart] =
      multiplier === 1
        ? [dy, turned]
        : [
            tf.slice(dy, [0, 0, 0, 0, m], [-1, -1, -1, -1, 1]),
            tf.slice(turned, [0, 0, 0, m], [-1, -1, -1, 1]),
          ];
    const spread = spreadByStride(tf.reshape(dyPart, [batchSize, outHeight, outWidth, inChannels]), info);
    return tf.depthwiseConv2d(
      spread,
      tf.reshape(filterPart, [filterHeight, filterWidth, inChannels, 1]),
      1,
      'valid',
    );
  });
  return parts.length === 1 ? parts[0]! : tf.addN(parts);
}

/** Puts stride - 1 zeros between rows and columns, and pads so that a 'valid' convolution gives the input's size. */
function spreadByStride(dy: tf.Tensor4D, info: Conv2DInfo): tf.Tensor4D {
  const [batch, height, width, channels] = dy.shape;
  const { strideHeight, strideWidth, filterHeight, filterWidth } = info;
  const spreadHeight = (height - 1) * strideHeight + 1;
  const spreadWidth = (width - 1) * strideWidth + 1;
  let spread = dy;
  if (strideHeight > 1 || strideWidth > 1) {
    const zeros: Pair[] = [
      [0, 0],
      [0, strideHeight - 1],
      [0, 0],
      [0, (strideWidth - 1) * channels],
    ];
    const padded = tf.pad(tf.reshape(dy, [batch * height, 1, width, channels]), zeros);
    const whole = tf.reshape(padded, [batch, height * strideHeight, width * strideWidth, channels]);
    spread = tf.slice(whole as tf.Tensor4D, [0, 0, 0, 0], [batch, spreadHeight, spreadWidth, channels]);
  }
  const top = filterHeight - 1 - info.padInfo.top;
  const left = filterWidth - 1 - info.padInfo.left;
  const bottom = info.inHeight + filterHeight - 1 - spreadHeight - top;
  const right = info.inWidth + filterWidth - 1 - spreadWidth - left;
  return tf.pad(spread, [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ]);
}

function convolution(
  inputShape: readonly number[],
  filterShape: readonly number[],
  { strides, pad, dimRoundingMode }: ConvAttributes,
  depthwise: boolean,
): Conv2DInfo {
  return tf.backend_util.computeConv2DInfo(
    inputShape as ConvAttributes['inputShape'],
    filterShape as ConvAttributes['filterShape'],
    strides,
    1,
    pad,
    dimRoundingMode,
    depthwise,
  );
}

const pair = (value: Pair | number): Pair => (Array.isArray(value) ? value : [value, value]);
