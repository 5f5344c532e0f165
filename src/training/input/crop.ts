export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Whole pixels of a picture, as sharp's `extract` takes them. */
export interface Region {
  left: number;
  top: number;
  width: number;
  height: number;
}

/**
 * The region to cut for a box: enlarged by `margin` of its size on each side, rounded outwards, cut at the edges.
 * Null where box and picture have no pixel in common.
 */
export function cropRegion(
  box: Box,
  picture: { width: number; height: number },
  margin: number,
): Region | null {
  const outside =
    box.x >= picture.width || box.y >= picture.height || box.x + box.width <= 0 || box.y + box.height <= 0;
  if (outside || !(box.width > 0) || !(box.height > 0)) return null;
  const left = clamp(Math.floor(box.x - margin * box.width), picture.width);
  const top = clamp(Math.floor(box.y - margin * box.height), picture.height);
  const right = clamp(Math.ceil(box.x + box.width * (1 + margin)), picture.width);
  const bottom = clamp(Math.ceil(box.y + box.height * (1 + margin)), picture.height);
  return { left, top, width: right - left, height: bottom - top };
}

const clamp = (value: number, size: number) => Math.min(Math.max(value, 0), size);
