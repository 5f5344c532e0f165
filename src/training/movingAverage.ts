/**
 * An exponential moving average of all weights, the moving statistics of batch normalisation included, as those belong
 * to the weights of their time. Until 10·decay/(1 - decay) steps or so it forgets faster, (1 + step)/(10 + step), as
 * TensorFlow's ExponentialMovingAverage does with `num_updates`: a short training would average its beginning.
 */
import { tf, type tfl } from './tensorflow.js';

export class MovingAverage {
  private average: tf.Tensor;
  private step = 0;

  constructor(
    private readonly model: tfl.LayersModel,
    private readonly decay: number,
  ) {
    this.average = tf.tidy(() => flatWeights(model));
  }

  /** After each step of the optimiser. */
  update(): void {
    this.step += 1;
    const kept = Math.min(this.decay, (1 + this.step) / (10 + this.step));
    const next = tf.tidy(() => tf.add(tf.mul(this.average, kept), tf.mul(flatWeights(this.model), 1 - kept)));
    this.average.dispose();
    this.average = next;
  }

  /** In the order of `model.weights`. */
  async read(): Promise<Float32Array> {
    return Float32Array.from(await this.average.data<'float32'>());
  }

  /** @param step how often it was updated */
  restore(average: Float32Array, step: number): void {
    this.average.dispose();
    this.average = tf.tensor1d(average);
    this.step = step;
  }

  dispose(): void {
    this.average.dispose();
  }
}

const flatWeights = (model: tfl.LayersModel): tf.Tensor1D =>
  tf.concat(model.weights.map((weight) => tf.reshape<tf.Rank.R1>(weight.read(), [-1])));
