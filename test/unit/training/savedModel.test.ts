/** What is written for TensorFlow, read again; that TensorFlow reads it as well nativeGraph.test.ts says. */
import {
  decodeSavedModel,
  encodeSavedModel,
  shapeProto,
  type GraphNode,
} from '../../../src/training/engines/tensorflowGraph/savedModel.js';

const bytes = (values: number[]) => Buffer.from(Float32Array.from(values).buffer);

it('keeps names, inputs and every kind of attribute, zeros and falsehoods as well', () => {
  const tensor = { dtype: 1, tensorShape: shapeProto([2]), tensorContent: bytes([0.1, -3]) };
  const nodes: GraphNode[] = [
    {
      name: 'a',
      op: 'Placeholder',
      input: [],
      attr: { dtype: { type: 1 }, shape: { shape: shapeProto([3, 0]) } },
    },
    { name: 'b', op: 'Const', input: [], attr: { dtype: { type: 1 }, value: { tensor } } },
    {
      name: 'c',
      op: 'Anything',
      input: ['a', 'b:2'],
      attr: {
        text: { s: Buffer.from('NHWC') },
        none: { i: 0 },
        less: { i: -1 },
        half: { f: 0.5 },
        no: { b: false },
        yes: { b: true },
        strides: { list: { i: [1, 2, 2, 1] } },
        scalar: { shape: shapeProto([]) },
      },
    },
  ];
  expect(decodeSavedModel(encodeSavedModel(nodes))).toMatchObject(nodes);
});
