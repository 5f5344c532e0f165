/**
 * The one place that names the TensorFlow.js packages. Their Node builds are CommonJS; importing them as
 * namespaces gives typed named imports, and every backend resolves to this same tfjs-core (two copies would
 * share the engine through a global but not the Tensor class, and fail far from the cause). But for the reader of graph
 * models, which detector/network.ts alone needs.
 */
export * as tf from '@tensorflow/tfjs-core';
export * as tfl from '@tensorflow/tfjs-layers';
