/** Predictions of the state of lights in columns, from which any figure is computed, as they are or resampled. */
import { addToBins, binOf, binSums, type BinSums, CALIBRATION_BINS } from '../calibration.js';
import type { ConfusionMatrix } from '../confusion.js';
import { bytes, doubles, integers } from '../columns.js';
import { Units } from '../units.js';

export interface StateOutcome {
  label: number;
  predicted: number;
  /** The score of `predicted`, 0 to 1; null: not known, and the calibration leaves the light out. */
  confidence: number | null;
}

/** Of a light whose confidence is not known. */
const NO_BIN = 255;

/** 15 bytes a light. */
export class StateSet {
  readonly units = new Units();
  private readonly label = bytes();
  private readonly predicted = bytes();
  private readonly confidence = doubles();
  private readonly bin = bytes();
  private readonly unit = integers();

  constructor(readonly classes: number) {
    if (!Number.isInteger(classes) || classes < 1 || classes > 255)
      throw new RangeError(`StateSet: ${classes} classes; 1 to 255 can be told apart`);
  }

  get lights(): number {
    return this.label.length;
  }

  /**
   * @param unit what is drawn as one: the image, or the drive of consecutive frames. null: the light alone.
   * @throws RangeError when a class or the confidence is out of range: NaN is no confidence.
   */
  add({ label, predicted, confidence }: StateOutcome, unit: string | null = null): void {
    for (const one of [label, predicted])
      if (!Number.isInteger(one) || one < 0 || one >= this.classes)
        throw new RangeError(`StateSet: class ${one} is not below ${this.classes}`);
    this.bin.push(confidence === null ? NO_BIN : binOf(confidence));
    this.label.push(label);
    this.predicted.push(predicted);
    this.confidence.push(confidence ?? 0);
    this.unit.push(this.units.indexOf(unit));
  }

  /** Unit of each light. */
  lightUnits(): Int32Array {
    return Int32Array.from({ length: this.lights }, (_, i) => this.unit.at(i));
  }

  /** @param weights how often each light counts; missing: once. */
  confusion(weights?: Int32Array): ConfusionMatrix {
    const matrix = Array.from({ length: this.classes }, () => new Array<number>(this.classes).fill(0));
    for (let i = 0; i < this.lights; i++)
      matrix[this.label.at(i)]![this.predicted.at(i)]! += weights ? weights[i]! : 1;
    return matrix;
  }

  /** Of the lights that are predicted as `predicted` with a known confidence; null: of all such. */
  calibration(predicted: number | null, weights?: Int32Array): BinSums {
    const sums = binSums(CALIBRATION_BINS);
    for (let i = 0; i < this.lights; i++) {
      const said = this.predicted.at(i);
      if (this.bin.at(i) === NO_BIN || (predicted !== null && said !== predicted)) continue;
      addToBins(
        sums,
        this.bin.at(i),
        this.confidence.at(i),
        said === this.label.at(i),
        weights ? weights[i]! : 1,
      );
    }
    return sums;
  }

  isRight(light: number): boolean {
    return this.label.at(light) === this.predicted.at(light);
  }

  labelOf(light: number): number {
    return this.label.at(light);
  }

  predictedOf(light: number): number {
    return this.predicted.at(light);
  }
}
