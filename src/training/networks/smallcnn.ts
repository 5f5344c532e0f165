/** A plain CNN to measure the others by: what it reads as well needs no MobileNet. */
import { z } from 'zod';
import { defineNetwork, Features } from './network.js';
import { inputSize } from './parameters.js';

export const smallcnn = defineNetwork({
  name: 'small-cnn',
  title: 'Small reference CNN',
  reference:
    '3×3 convolutions, batch normalisation and ReLU6; each stage halves the map and doubles the channels',
  tasks: ['LIGHT_STATE'],
  parameters: z.object({
    inputSize,
    channels: z.int().min(4).max(64).default(16).describe('Channels of the first stage.'),
    stages: z.int().min(2).max(4).default(3).describe('Each halves the map and doubles the channels.'),
  }),

  blocks: ({ stages }) => Array.from({ length: stages }, (_, stage) => `stage${stage + 1}`),

  body(layers, shape, { channels, stages }) {
    const input = layers.input(shape);
    const features = new Features(input);
    let x = input;
    for (let stage = 0; stage < stages; stage++) {
      const name = `stage${stage + 1}`;
      const options = { filters: channels * 2 ** stage, kernelSize: 3, strides: 2 };
      x = features.add(layers.relu6(name, layers.convolution(name, x, options)), 2);
    }
    return features.body;
  },

  pooled: (layers, x) => layers.globalPool(x),
});
