// Jest runs each file in a vm context with typed arrays of its own, while Node's modules hand out the outer ones:
// TensorFlow.js tells tensors' data by `instanceof Float32Array`, which then fails. One set of them for both.
const { TestEnvironment } = require('jest-environment-node');

module.exports = class extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    for (const type of [
      Float32Array,
      Float64Array,
      Int8Array,
      Int16Array,
      Int32Array,
      Uint8Array,
      Uint8ClampedArray,
      Uint16Array,
      Uint32Array,
    ]) {
      this.global[type.name] = type;
    }
  }
};
