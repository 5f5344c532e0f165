/** The models that a predictor process has in memory: a bounded number, the one unused for longest goes first. */
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TaskName } from '../../training/protocol.js';
import { StoredModel } from '../../training/variants/storedModel.js';

/** A MobileNetV2 of α 1 has 14 MB of weights. */
export const MOST_MODELS = 4;

export class Models {
  private readonly held = new Map<string, StoredModel>();

  constructor(private readonly most = MOST_MODELS) {}

  get size(): number {
    return this.held.size;
  }

  /** @throws TrainingError MODEL_INVALID */
  async get(task: TaskName, files: Record<string, string>): Promise<StoredModel> {
    const key = JSON.stringify([task, Object.entries(files).sort()]);
    let model = this.held.get(key);
    // The newest stands last.
    this.held.delete(key);
    model ??= await loaded(task, files);
    this.held.set(key, model);
    for (const [oldest, old] of this.held) {
      if (this.held.size <= this.most) break;
      this.held.delete(oldest);
      old.dispose();
    }
    return model;
  }
}

/** Blobs go by their digest, a model folder's files by their names: links for the time of loading. */
async function loaded(task: TaskName, files: Record<string, string>): Promise<StoredModel> {
  const folder = await mkdtemp(join(tmpdir(), 'shingo-predict-'));
  try {
    for (const [name, path] of Object.entries(files)) await symlink(path, join(folder, name));
    return await StoredModel.load(task, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
