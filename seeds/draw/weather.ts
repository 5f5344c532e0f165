import { between, chance } from '../random.js';
import { disc, HEIGHT, px, rect, WIDTH, type Stage } from '../stage.js';

/** What hangs or falls between the street and the lens. */
export function drawAir(stage: Stage): string {
  return veil(stage) + streaks(stage) + flakes(stage);
}

/** Fog and heavy rain lie on the horizon and thin out towards us. */
function veil(stage: Stage): string {
  const { mood, horizon } = stage;
  const thick = Math.min(0.85, mood.hazePerMetre * 17);
  if (thick < 0.15) return '';
  const colour = stage.lit([0, 0, 0], 1e6);
  const fill = stage.ramp(
    [
      [0, colour, thick * 0.4],
      [0.5, colour, thick * 0.62],
      [0.72, colour, thick * 0.3],
      [1, colour, 0],
    ],
    [0, HEIGHT],
  );
  return horizon > 0 ? rect(0, 0, WIDTH, HEIGHT, fill) : '';
}

function streaks(stage: Stage): string {
  const { mood, random } = stage;
  if (mood.streaks === 0) return '';
  const lean = between(random, -0.22, 0.22);
  const isDark = mood.ambient[0] < 0.3;
  const groups = [0.1, 0.17, 0.28].map((k) => ({ k: isDark ? k * 1.35 : k * 1.7, d: '' }));
  for (let i = 0; i < mood.streaks; i++) {
    const near = random() ** 2;
    const length = 7 + near * 34;
    const [x, y] = [between(random, -20, WIDTH + 20), between(random, -20, HEIGHT)];
    const group = groups[Math.min(2, Math.floor(near * 3))]!;
    group.d += `M${px(x)},${px(y)}l${px(lean * length)},${px(length)}`;
  }
  const colour = isDark ? '#c6ccda' : '#f2f5f8';
  const widths = [0.7, 0.9, 1.3];
  return groups
    .map(
      ({ k, d }, i) =>
        `<path d="${d}" fill="none" stroke="${colour}" stroke-width="${widths[i]}" opacity="${k.toFixed(2)}"/>`,
    )
    .join('');
}

function flakes(stage: Stage): string {
  const { mood, random } = stage;
  let svg = '';
  for (let i = 0; i < mood.flakes; i++) {
    const near = random() ** 4;
    const r = 0.5 + near * 3.4;
    const soft = chance(random, 0.5) ? 0.9 : 0.65;
    const more = ` opacity="${(soft - near * 0.3).toFixed(2)}"`;
    svg += disc(between(random, 0, WIDTH), between(random, 0, HEIGHT), r, '#ffffff', more);
  }
  return svg;
}

export interface Drop {
  x: number;
  y: number;
  r: number;
}

/** Drops on the windscreen: each is a small lens, so the pixels are bent afterwards (see pixels.ts). */
export function placeDrops(stage: Stage): Drop[] {
  return Array.from({ length: stage.mood.drops }, () => ({
    x: between(stage.random, 6, WIDTH - 6),
    y: between(stage.random, 6, HEIGHT - 6),
    r: 2.5 + stage.random() ** 2 * 8,
  }));
}
