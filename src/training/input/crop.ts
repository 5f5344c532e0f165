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
  const { x, y, width, height } = box;
  const meets = x < picture.width && y < picture.height && x + width > 0 && y + height > 0;
  if (!meets || !(width > 0) || !(height > 0)) return null;
  const left = clamp(Math.floor(x - margin * width), picture.width);
  const top = clamp(Math.floor(y - margin * height), picture.height);
  const right = clamp(Math.ceil(x + width * (1 + margin)), picture.width);
  const bottom = clamp(Math.ceil(y + height * (1 + margin)), picture.height);
  return { left, top, width: right - left, height: bottom - top };
}

/** The smallest region that has all of these, of which there is at least one. */
export function unionOf(regions: readonly Region[]): Region {
  const left = Math.min(...regions.map((region) => region.left));
  const top = Math.min(...regions.map((region) => region.top));
  const width = Math.max(...regions.map((region) => region.left + region.width)) - left;
  const height = Math.max(...regions.map((region) => region.top + region.height)) - top;
  return { left, top, width, height };
}

const clamp = (value: number, size: number) => Math.min(Math.max(value, 0), size);
