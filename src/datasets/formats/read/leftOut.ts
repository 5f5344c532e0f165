import type { Frame, FrameBox } from '../frame.js';

/** What a format says and the catalog does not take, by reason. */
export class LeftOut {
  /** How often, by reason. */
  readonly counts = new Map<string, number>();

  add(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  /** Why a box is no person's label of a thing; null: it is one. */
  reasonFor({ width, height }: Pick<Frame, 'width' | 'height'>, box: FrameBox): string | null {
    const outside =
      box.x + box.width <= 0 ||
      box.y + box.height <= 0 ||
      box.x >= (width ?? Infinity) ||
      box.y >= (height ?? Infinity);
    const reason = box.ignore
      ? 'regions in which nothing counts'
      : box.score != null
        ? "detections, which are no person's labels"
        : !(box.width > 0 && box.height > 0)
          ? 'boxes without an area'
          : outside
            ? 'boxes outside their picture'
            : null;
    if (reason) this.add(reason);
    return reason;
  }
}
