/**
 * The crops of all samples, decoded when they are first asked for and then kept as bytes: 3 KiB a light at 32 px, so that
 * a hundred thousand lights fit in 300 MB and no later epoch waits for a decoder.
 */
import type { Sample } from '../protocol.js';
import type { CacheSettings } from './decodedCache.js';
import { Decoder } from './decoder.js';
import type { Preprocessing } from './preprocessing.js';

/** RGB crops [n, inputSize, inputSize, 3], in the order of the samples. */
export interface Pictures {
  data: Uint8Array;
  inputSize: number;
  length: number;
}

/** Files asked for at a time by `all`: enough for the decoder while a step of a second holds this thread. */
const AHEAD = 32;

export interface LoadOptions {
  signal?: AbortSignal;
  onProgress?: (done: number) => void;
}

export class LazyPictures implements Pictures {
  readonly data: Uint8Array;
  readonly inputSize: number;
  readonly length: number;
  private readonly groups: Map<string, number[]>;
  private readonly loads = new Map<string, Promise<void>>();
  private readonly decoder: Decoder;

  /** @param cache null keeps nothing on disk */
  constructor(
    private readonly samples: readonly Sample[],
    private readonly preprocessing: Preprocessing,
    cache: CacheSettings | null = null,
  ) {
    this.inputSize = preprocessing.inputSize;
    this.length = samples.length;
    this.data = new Uint8Array(samples.length * this.inputSize ** 2 * 3);
    this.groups = groupByFile(samples);
    this.decoder = new Decoder(cache);
  }

  /** Begins to decode these samples; what fails is said by `ready`. */
  prefetch(indices: Uint32Array): void {
    for (const index of indices) this.load(this.samples[index]!.file).catch(() => undefined);
  }

  /** Resolves when the crops of these samples are in `data`. @throws TrainingError PICTURE_UNREADABLE, BOX_OUTSIDE_PICTURE */
  async ready(indices: Uint32Array): Promise<void> {
    this.prefetch(indices);
    await Promise.all(Array.from(indices, (index) => this.load(this.samples[index]!.file)));
  }

  /** All of them. Ends early, without failing, when the signal is aborted. */
  async all({ signal, onProgress }: LoadOptions): Promise<void> {
    let done = 0;
    const files = this.groups.entries();
    const work = async () => {
      // All draw from this one iterator: what is not begun when one fails or all are to stop is not begun at all.
      for (const [file, indices] of files) {
        if (signal?.aborted) return;
        await this.load(file);
        onProgress?.((done += indices.length));
      }
    };
    await Promise.all(Array.from({ length: AHEAD }, work));
  }

  close(): void {
    this.decoder.close();
  }

  private load(file: string): Promise<void> {
    const known = this.loads.get(file);
    if (known) return known;
    const load = this.decode(file, this.groups.get(file)!);
    this.loads.set(file, load);
    return load;
  }

  /** All crops of a file at once: decoding it is what costs. */
  private async decode(file: string, indices: readonly number[]): Promise<void> {
    const { inputSize, crop, resize } = this.preprocessing;
    const samples = indices.map((index) => this.samples[index]!);
    const { pixels } = await this.decoder.decode(
      { file, names: samples.map(({ id }) => id) },
      { kind: 'CROPS', boxes: samples.map(({ box }) => box), preprocessing: { inputSize, crop, resize } },
    );
    const bytes = inputSize ** 2 * 3;
    indices.forEach((index, i) => this.data.set(pixels.subarray(i * bytes, (i + 1) * bytes), index * bytes));
  }
}

/** All crops at once. May end early when the signal is aborted. */
export async function loadPictures(
  samples: readonly Sample[],
  preprocessing: Preprocessing,
  options: LoadOptions = {},
): Promise<Pictures> {
  const pictures = new LazyPictures(samples, preprocessing);
  try {
    await pictures.all(options);
    return pictures;
  } finally {
    pictures.close();
  }
}

function groupByFile(samples: readonly Sample[]): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  samples.forEach(({ file }, index) => {
    const group = groups.get(file);
    if (group) group.push(index);
    else groups.set(file, [index]);
  });
  return groups;
}
