import { css, mix, scale, type Rgb } from '../colour.js';
import { between, chance } from '../random.js';
import { disc, oval, path, px, rect, WIDTH, type Stage } from '../stage.js';

/** Sky, sun or moon or stars, clouds, and the skyline where the street ends. */
export function drawSky(stage: Stage): string {
  const { mood, horizon } = stage;
  const top = css(scale(mood.skyTop, mood.exposure));
  const bottom = css(scale(mood.skyBottom, mood.exposure));
  const middle = css(scale(mix(mood.skyTop, mood.skyBottom, 0.45), mood.exposure));
  const fill = stage.ramp([
    [0, top, 1],
    [0.6, middle, 1],
    [1, bottom, 1],
  ]);
  return rect(0, 0, WIDTH, horizon + 2, fill) + heavenly(stage) + clouds(stage) + skyline(stage);
}

function heavenly(stage: Stage): string {
  const { mood, random, horizon } = stage;
  const isDark = mood.ambient[0] < 0.3;
  if (mood.sun) {
    const x = between(random, 90, 550);
    const y = between(random, 24, 60);
    return disc(x, y, 130, stage.halo('#fff6d8', 0.85, 0.05)) + disc(x, y, 13, '#fffdf2');
  }
  if (isDark && mood.wet === 0) return stars(stage);
  if (mood.skyBottom[0] > mood.skyBottom[2] + 80) {
    // Low sun behind the street's end: dawn or dusk.
    return oval(stage.vx + between(random, -90, 90), horizon, 260, 95, stage.halo('#ffd58a', 0.8));
  }
  return '';
}

function stars(stage: Stage): string {
  const { random, horizon } = stage;
  let svg = '';
  for (let i = 0; i < 14; i++) {
    const k = between(random, 0.15, 0.55).toFixed(2);
    svg += disc(between(random, 0, WIDTH), between(random, 0, horizon * 0.6), 0.6, '#fff', ` opacity="${k}"`);
  }
  if (chance(random, 0.3)) {
    const x = between(random, 60, 580);
    svg += disc(x, 34, 26, stage.halo('#dfe6ff', 0.35)) + disc(x, 34, 6, '#e9edf8');
  }
  return svg;
}

function clouds(stage: Stage): string {
  const { mood, random, horizon } = stage;
  if (mood.clouds === 'none') return '';
  const isDeck = mood.clouds === 'deck';
  const warm = mood.skyBottom[0] > mood.skyBottom[2] + 80;
  const bright: Rgb = isDeck
    ? mix(mood.skyBottom, [255, 255, 255], 0.25)
    : warm
      ? [255, 190, 150]
      : [255, 255, 255];
  const dull: Rgb = isDeck ? mix(mood.skyTop, [90, 96, 104], 0.25) : warm ? [120, 92, 130] : [226, 234, 242];
  let svg = '';
  for (let i = 0; i < (isDeck ? 16 : 5); i++) {
    const x = between(random, -40, WIDTH + 40);
    const y = between(random, 4, horizon * 0.75);
    const w = between(random, 50, isDeck ? 200 : 90);
    const fill = css(scale(chance(random, 0.5) ? bright : dull, mood.exposure));
    const flat = isDeck ? 0.16 : 0.22;
    for (let k = 0; k < 3; k++) {
      const dx = between(random, -0.5, 0.5) * w;
      const strength = isDeck ? 0.5 : 0.8;
      svg += oval(x + dx, y + k * 3, w * 0.8, w * flat, stage.halo(fill, strength, 0.2));
    }
  }
  return svg;
}

/** Far blocks against the sky; in fog nothing of them is left. */
function skyline(stage: Stage): string {
  const { random, horizon } = stage;
  let d = `M-5,${px(horizon + 3)}`;
  for (let x = -5; x < WIDTH + 5;) {
    const w = between(random, 12, 40);
    const y = horizon - between(random, 6, 34);
    d += `L${px(x)},${px(y)}L${px(x + w)},${px(y)}`;
    x += w;
  }
  return path(`${d}L${WIDTH + 5},${px(horizon + 3)}Z`, stage.lit([112, 120, 132], 220));
}
