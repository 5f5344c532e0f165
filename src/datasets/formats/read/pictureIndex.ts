import path from 'node:path';

import { show } from '../manifest/problems.js';

/** Pictures of a folder by the ends of their paths: labels seldom say where the pictures were unpacked. */
export class PictureIndex {
  readonly #paths: Set<string>;
  readonly #byName = new Map<string, string[]>();

  constructor(paths: string[]) {
    this.#paths = new Set(paths);
    for (const one of paths) {
      const name = path.posix.basename(one);
      const same = this.#byName.get(name);
      if (same) same.push(one);
      else this.#byName.set(name, [one]);
    }
  }

  get size(): number {
    return this.#paths.size;
  }

  /**
   * The picture that shares the most of the name's last parts, if it is one only; else null after a report.
   * @param split `train`, `val` or `test`: where its folder is laid out as by BDD100K or COCO, the picture is there
   */
  find(
    fileName: string,
    report: (message: string, several: boolean) => void,
    split: string | null = null,
  ): string | null {
    if (split !== null)
      for (const folder of [`images/100k/${split}`, split])
        if (this.#paths.has(`${folder}/${fileName}`)) return `${folder}/${fileName}`;
    if (this.#paths.has(fileName)) return fileName;
    const wanted = fileName.split('/').reverse();
    const shared = (candidate: string) => {
      const parts = candidate.split('/').reverse();
      const differs = parts.findIndex((part, index) => part !== wanted[index]);
      return differs < 0 ? parts.length : differs;
    };
    const candidates = (this.#byName.get(wanted[0] as string) ?? [])
      .slice(0, MAX_CANDIDATES)
      .map((candidate) => ({ candidate, parts: shared(candidate) }))
      .sort((a, b) => b.parts - a.parts);
    const [best, second] = candidates;
    const name = show(fileName.length > 70 ? `…${fileName.slice(-70)}` : fileName);
    if (!best) report(`${name} is not below the folder of pictures (--images, --skip-missing)`, false);
    else if (second?.parts === best.parts)
      report(`${name} may be ${show(best.candidate)} or ${show(second.candidate)}`, true);
    else return best.candidate;
    return null;
  }
}

/** Pictures of the same name that are compared. */
const MAX_CANDIDATES = 10_000;
