/**
 * An exponential moving average of all weights, the moving statistics of batch normalisation included, as those belong
 * to the weights of their time. Until 10·decay/(1 - decay) steps or so it forgets faster, (1 + step)/(10 + step), as
 * TensorFlow's ExponentialMovingAverage does with `num_updates`: a short training would average its beginning.
 */
import { tf, type tfl } from './tensorflow.js';

export class MovingAverage {
  /** Changed by each step, as the weights are. */
  readonly average: tf.Variable;
  private step = 0;

  constructor(
    private readonly model: tfl.LayersModel,
    private readonly decay: number,
  ) {
    this.average = tf.tidy(() => tf.variable(flatWeights(model), false));
  }

  /** Counts an update, and says what `update` needs: the shares of the old and of the new. */
  begin(): number[] {
    this.step += 1;
    const kept = Math.min(this.decay, (1 + this.step) / (10 + this.step));
    return [kept, 1 - kept];
  }

  /** After each step of the optimiser. @param numbers what `begin` said */
  update([kept, rest]: readonly tf.Scalar[]): void {
    tf.tidy(() => {
      const added = tf.mul(flatWeights(this.model), rest!);
      this.average.assign(tf.add(tf.mul(this.average, kept!), added));
    });
  }

  /** In the order of `model.weights`. */
  async read(): Promise<Float32Array> {
    return Float32Array.from(await this.average.data<'float32'>());
  }

  /** @param step how often it was updated */
  restore(average: Float32Array, step: number): void {
    tf.tidy(() => this.average.assign(tf.tensor1d(average)));
    this.step = step;
  }

  dispose(): void {
    this.average.dispose();
  }
}

const flatWeights = (model: tfl.LayersModel): tf.Tensor1D =>
  tf.concat(model.weights.map((weight) => tf.reshape<tf.Rank.R1>(weight.read(), [-1])));
