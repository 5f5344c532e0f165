import { css, mix, scale, times, type Rgb } from './colour.js';
import type { Rectangle } from './manifest.js';
import type { Mood } from './mood.js';
import type { Random } from './random.js';

export const WIDTH = 640;
export const HEIGHT = 360;

/** Metres: x to the right of the lens, y up from the road, z ahead. */
export interface Point3 {
  x: number;
  y: number;
  z: number;
}

/**
 * What everything is drawn with: a pinhole camera behind a windscreen, the mood of the scene, and paint.
 * Positions are in metres, so that sizes, perspective and occlusion are right by construction.
 */
export class Stage {
  private gradients = 0;
  readonly defs: string[] = [];
  /** The side of the street that the sun shines on. */
  readonly sunSide: 1 | -1;

  constructor(
    readonly mood: Mood,
    readonly random: Random,
    /** Vanishing point and focal length in pixels. */
    readonly vx: number,
    readonly horizon: number,
    readonly focal: number,
    /** 1 where people drive on the left, −1 where on the right: mirrors the street. */
    readonly side: 1 | -1,
    readonly eye = 1.4,
  ) {
    this.sunSide = random() < 0.5 ? 1 : -1;
  }

  /** Pixels per metre at that distance. */
  scaleAt(z: number): number {
    return this.focal / z;
  }

  project({ x, y, z }: Point3): { x: number; y: number } {
    const s = this.scaleAt(z);
    return { x: this.vx + this.side * x * s, y: this.horizon + (this.eye - y) * s };
  }

  polygon(points: Point3[]): string {
    const at = points.map((p) => this.project(p)).map(({ x, y }) => `${px(x)},${px(y)}`);
    return `M${at.join('L')}Z`;
  }

  /** Colour of a thing that does not glow, as it arrives at the lens. */
  lit(colour: Rgb, z: number, headlamp = 0): string {
    // Our own head-lamps reach some 20 m and only matter in the dark.
    const own = headlamp * 0.42 * Math.exp(-z / 16) * (this.mood.headlights ? 1 : 0);
    const { ambient } = this.mood;
    const light: Rgb = [ambient[0] + own, ambient[1] + own * 0.95, ambient[2] + own * 0.8];
    return css(scale(mix(times(colour, light), this.mood.haze, this.hazeAt(z)), this.mood.exposure));
  }

  /** Colour of a thing that glows: lamps cut through haze better than walls. */
  glowing(colour: Rgb, z: number): string {
    return css(mix(colour, this.mood.haze, this.hazeAt(z) * 0.45));
  }

  hazeAt(z: number): number {
    return 1 - Math.exp(-this.mood.hazePerMetre * z);
  }

  /** Id of a radial gradient from a colour to nothing. */
  halo(colour: string, strength: number, core = 0): string {
    const id = `h${this.gradients++}`;
    const stop = (at: number, k: number) =>
      `<stop offset="${at}" stop-color="${colour}" stop-opacity="${k.toFixed(3)}"/>`;
    this.defs.push(
      `<radialGradient id="${id}">${stop(core, strength)}${stop(core + (1 - core) * 0.3, strength * 0.42)}` +
        `${stop(core + (1 - core) * 0.6, strength * 0.12)}${stop(1, 0)}</radialGradient>`,
    );
    return `url(#${id})`;
  }

  /** A linear gradient from the top down: of the shape itself, or between two rows of the picture. */
  ramp(stops: (readonly [number, string, number])[], rows?: readonly [number, number]): string {
    const id = `r${this.gradients++}`;
    const body = stops.map(
      ([at, colour, k]) => `<stop offset="${at}" stop-color="${colour}" stop-opacity="${k}"/>`,
    );
    const span = rows
      ? `gradientUnits="userSpaceOnUse" x1="0" y1="${px(rows[0])}" x2="0" y2="${px(rows[1])}"`
      : 'x1="0" y1="0" x2="0" y2="1"';
    this.defs.push(`<linearGradient id="${id}" ${span}>${body.join('')}</linearGradient>`);
    return `url(#${id})`;
  }

  /** The light that a lamp throws around itself on the lens, and down a wet road. */
  bleed(x: number, y: number, radius: number, colour: string, ground?: number, strength = 1): string {
    const { bleed, bleedStrength, wet } = this.mood;
    const r = radius * (1 + bleed) + 1;
    let svg = disc(x, y, r, this.halo(colour, Math.min(1, bleedStrength * strength)));
    if (wet > 0 && ground !== undefined) svg += this.reflection(x, ground, radius, colour, strength);
    return svg;
  }

  /** A long ragged smear towards the camera: what a lamp looks like on wet asphalt. */
  private reflection(x: number, ground: number, radius: number, colour: string, strength: number): string {
    const { random } = this;
    const { wet, ambient } = this.mood;
    // By day the sky outshines the reflection of a lamp.
    const fill = this.halo(colour, Math.min(1, wet * strength * (ambient[0] < 0.3 ? 0.8 : 0.34)));
    const length = Math.min(1.2 * (HEIGHT - ground), 24 + radius * 17);
    if (length < 4) return '';
    const w = radius * 1.7 + 1.5;
    let svg = oval(x, ground + length * 0.42, w * 1.7, length * 0.55, fill);
    // Ripples cut the smear into short level dashes.
    for (let i = 0; i < 9; i++) {
      const t = random();
      const half = w * (0.5 + 0.9 * random()) * (1 - 0.5 * t);
      svg += oval(
        x + (random() - 0.5) * w,
        ground + t * length * 0.85,
        half,
        0.8 + radius * 0.16 * random(),
        fill,
      );
    }
    return svg;
  }
}

/** A thing that stands in the scene: drawn far before near. */
export interface Thing {
  z: number;
  svg: string;
}

export const px = (value: number) => (Math.round(value * 100) / 100).toString();

export const path = (d: string, fill: string, more = '') => `<path d="${d}" fill="${fill}"${more}/>`;

export const rect = (x: number, y: number, w: number, h: number, fill: string, rx = 0, more = '') =>
  `<rect x="${px(x)}" y="${px(y)}" width="${px(w)}" height="${px(h)}" rx="${px(rx)}" fill="${fill}"${more}/>`;

export const disc = (x: number, y: number, r: number, fill: string, more = '') =>
  `<circle cx="${px(x)}" cy="${px(y)}" r="${px(r)}" fill="${fill}"${more}/>`;

export const oval = (x: number, y: number, rx: number, ry: number, fill: string, more = '') =>
  `<ellipse cx="${px(x)}" cy="${px(y)}" rx="${px(rx)}" ry="${px(ry)}" fill="${fill}"${more}/>`;

export const line = (
  x1: number,
  y1: number,
  x2: number,
  y2: number,
  stroke: string,
  width: number,
  more = '',
) =>
  `<line x1="${px(x1)}" y1="${px(y1)}" x2="${px(x2)}" y2="${px(y2)}" stroke="${stroke}" ` +
  `stroke-width="${px(width)}"${more}/>`;

/** The part of a rectangle that the picture shows; null when nothing is left. */
export function clip(box: Rectangle): Rectangle | null {
  const x = Math.max(0, box.x);
  const y = Math.max(0, box.y);
  const width = Math.min(WIDTH, box.x + box.width) - x;
  const height = Math.min(HEIGHT, box.y + box.height) - y;
  return width > 0 && height > 0 ? { x, y, width, height } : null;
}

/** Area of the overlap. */
export function overlap(a: Rectangle, b: Rectangle): number {
  const w = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const h = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return w > 0 && h > 0 ? w * h : 0;
}
