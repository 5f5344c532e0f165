import { scale, type Rgb } from '../colour.js';
import type { Rectangle } from '../manifest.js';
import { between, chance, pick } from '../random.js';
import { disc, line, oval, path, px, rect, type Stage, type Thing } from '../stage.js';

const STEEL: Rgb = [128, 132, 136];

/** The pole of a signal: a mast arm from the kerb, or a post under it. */
export function drawMast(stage: Stage, at: { x: number; y: number; z: number }, kerb: number): string {
  const s = stage.scaleAt(at.z);
  const colour = stage.lit(STEEL, at.z);
  const foot = stage.project({ x: kerb, y: 0, z: at.z });
  const lamp = stage.project(at);
  const top = stage.project({ x: kerb, y: at.y + 0.35, z: at.z });
  const post = line(foot.x, foot.y, foot.x, top.y, colour, Math.max(0.7, 0.2 * s));
  if (Math.abs(kerb - at.x) < 0.3) return post;
  return post + line(foot.x, top.y + 0.1 * s, lamp.x, lamp.y - 0.05 * s, colour, Math.max(0.6, 0.12 * s));
}

/** Street lamps; on at night with a cone of light in the wet air and a pool on the ground. */
export function drawStreetLamp(stage: Stage, x: number, z: number): Thing {
  const { mood } = stage;
  const s = stage.scaleAt(z);
  const foot = stage.project({ x, y: 0, z });
  const reach = x - Math.sign(x) * 2.2;
  const top = stage.project({ x, y: 7.6, z });
  const head = stage.project({ x: reach, y: 7.9, z });
  const colour = stage.lit([110, 114, 118], z);
  let svg = line(foot.x, foot.y, top.x, top.y, colour, Math.max(0.6, 0.16 * s));
  svg += line(top.x, top.y, head.x, head.y, colour, Math.max(0.5, 0.1 * s));
  svg += rect(head.x - 0.4 * s, head.y - 0.08 * s, 0.8 * s, 0.2 * s, colour);
  if (!mood.lampsOn) return { z, svg };
  const glow = LAMP_COLOURS[Math.floor(z) % LAMP_COLOURS.length]!;
  const pool = stage.project({ x: reach, y: 0, z });
  svg += oval(pool.x, pool.y, 5.5 * s, 1.1 * s, stage.halo(glow, 0.42));
  // And on the wall beside it.
  svg += oval(foot.x, foot.y - 3.5 * s, 4.5 * s, 5 * s, stage.halo(glow, 0.16));
  svg += stage.bleed(head.x, head.y, 0.34 * s, glow, pool.y, 1.15);
  svg += oval(head.x, head.y + 0.05 * s, 0.36 * s, 0.13 * s, '#fffbe8');
  return { z, svg };
}

const LAMP_COLOURS = ['#ffd08a', '#ffe7bd', '#ffc070'];

export function drawTree(stage: Stage, x: number, z: number): Thing {
  const { random, mood } = stage;
  const s = stage.scaleAt(z);
  const foot = stage.project({ x, y: 0, z });
  const height = between(random, 4.5, 7);
  const trunk = stage.lit([92, 76, 62], z, 0.3);
  let svg = line(foot.x, foot.y, foot.x, foot.y - height * 0.6 * s, trunk, Math.max(0.8, 0.22 * s));
  if (mood.snow) return { z, svg: svg + bareBranches(stage, foot.x, foot.y, height, s, z) };
  const green: Rgb = [66, 108, 56];
  for (let i = 0; i < 26; i++) {
    // Dark leaves first and low, sunlit ones last and high.
    const up = i / 26;
    const fill = stage.lit(scale(green, 0.62 + 0.6 * up * between(random, 0.7, 1.2)), z, 0.2);
    const dx = between(random, -1.35, 1.35) * (1 - 0.35 * up) * s;
    const dy = (0.48 + 0.5 * up + between(random, -0.06, 0.06)) * height * s;
    svg += disc(foot.x + dx, foot.y - dy, between(random, 0.32, 0.72) * s, fill);
  }
  return { z, svg };
}

function bareBranches(stage: Stage, x: number, ground: number, height: number, s: number, z: number): string {
  const { random } = stage;
  let svg = '';
  for (let i = 0; i < 12; i++) {
    const from = between(random, 0.3, 0.6) * height * s;
    const dx = between(random, -1.3, 1.3) * s;
    const to = from + between(random, 0.15, 0.4) * height * s;
    svg += line(x, ground - from, x + dx, ground - to, stage.lit([86, 72, 62], z), Math.max(0.4, 0.07 * s));
    svg += line(
      x,
      ground - from - 0.06 * s,
      x + dx,
      ground - to - 0.06 * s,
      stage.lit([248, 250, 253], z),
      0.06 * s,
    );
  }
  return svg;
}

/** A utility pole with its transformer: half of what makes a Japanese street. */
export function drawUtilityPole(stage: Stage, x: number, z: number): Thing {
  const s = stage.scaleAt(z);
  const foot = stage.project({ x, y: 0, z });
  const colour = stage.lit([142, 138, 132], z);
  let svg = line(foot.x, foot.y, foot.x, foot.y - 10 * s, colour, Math.max(0.7, 0.28 * s));
  svg += line(
    foot.x - 0.9 * s,
    foot.y - 9.2 * s,
    foot.x + 0.9 * s,
    foot.y - 9.2 * s,
    colour,
    Math.max(0.5, 0.1 * s),
  );
  svg += rect(foot.x + 0.15 * s, foot.y - 8.2 * s, 0.6 * s, 0.9 * s, stage.lit([120, 122, 124], z), 0.1 * s);
  return { z, svg };
}

/** Wires from pole to pole sag a little. */
export function drawWires(stage: Stage, x: number, depths: number[]): string {
  let svg = '';
  for (const y of [9.2, 8.6, 7.4]) {
    for (let i = 1; i < depths.length; i++) {
      const a = stage.project({ x, y, z: depths[i - 1]! });
      const b = stage.project({ x, y, z: depths[i]! });
      const sag = Math.abs(a.y - b.y) * 0.08 + 1;
      const stroke = stage.lit([40, 42, 46], (depths[i - 1]! + depths[i]!) / 2);
      svg +=
        `<path d="M${px(a.x)},${px(a.y)}Q${px((a.x + b.x) / 2)},${px((a.y + b.y) / 2 + sag)} ${px(b.x)},${px(b.y)}" ` +
        `fill="none" stroke="${stroke}" stroke-width="0.7" opacity="0.7"/>`;
    }
  }
  return svg;
}

/** A round prohibition, a blue direction board or a triangle: its own category, and never lit. */
export function drawSign(stage: Stage, x: number, z: number): { z: number; svg: string; box: Rectangle } {
  const { random } = stage;
  const s = stage.scaleAt(z);
  const foot = stage.project({ x, y: 0, z });
  const y = foot.y - 2.6 * s;
  const r = 0.32 * s;
  let svg = line(foot.x, foot.y, foot.x, y, stage.lit(STEEL, z), Math.max(0.6, 0.08 * s));
  const kind = pick(random, ['round', 'blue', 'stop'] as const);
  const white = stage.lit([240, 240, 238], z, 1);
  const red = stage.lit([206, 40, 44], z, 1);
  if (kind === 'round') svg += disc(foot.x, y, r, red) + disc(foot.x, y, r * 0.74, white);
  else if (kind === 'blue')
    svg +=
      disc(foot.x, y, r, stage.lit([36, 84, 170], z, 1)) +
      rect(foot.x - r * 0.16, y - r * 0.6, r * 0.32, r * 1.2, white);
  else {
    const d = `M${px(foot.x - r)},${px(y - r * 0.8)}L${px(foot.x + r)},${px(y - r * 0.8)}L${px(foot.x)},${px(y + r)}Z`;
    svg += path(d, red);
  }
  if (chance(random, 0.3)) svg += rect(foot.x - r * 0.8, y + r * 1.2, r * 1.6, r * 0.6, white);
  return { z, svg, box: { x: foot.x - r, y: y - r, width: 2 * r, height: 2 * r } };
}
