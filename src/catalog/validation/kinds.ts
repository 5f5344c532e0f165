/** What each kind of rule asks of a row, and how it says that the answer is no. */
import type { Parameters } from '../../graphql/list/where.js';
import { ValidationKind, type ValidationRule } from './rule.js';

/** A row that failed: of an image, or of a box with its image. What the rule did not look at is there too. */
export interface FailedRow {
  image_id: string;
  brightness: number | string | null;
  darkness: number | string | null;
  conflict: number | null;
  x: number | string;
  y: number | string;
  width: number;
  height: number;
  image_width: number | null;
  image_height: number | null;
  category: string;
  color: string | null;
}

export interface RowRule {
  /** SQL over a row of the source: true, false, or null where there is nothing to judge. */
  holds: (rule: ValidationRule, parameters: Parameters) => string;
  detail: (rule: ValidationRule, row: FailedRow) => string;
}

const has = (column: string, detail: string): RowRule => ({
  holds: () => `${column} IS NOT NULL`,
  detail: () => detail,
});

/** NaN is above every number to PostgreSQL: it is in no range that has an upper end, and this one always has. */
const range = (column: 'brightness' | 'darkness'): RowRule => ({
  holds: ({ min, max }, parameters) =>
    `${column} BETWEEN ${parameters.add(min ?? 0, 'float8')} AND ${parameters.add(max ?? 1, 'float8')}`,
  detail: ({ min, max }, row) => `${column} ${short(row[column])} is not ${min ?? 0} to ${max ?? 1}`,
});

const short = (value: number | string | null) =>
  typeof value === 'number' ? String(Number(value.toPrecision(6))) : String(value);
const boxOf = ({ category, color, x, y, width, height }: FailedRow) =>
  `${category}${color === null ? '' : ` ${color}`} at (${short(x)}, ${short(y)}), ${short(width)} × ${short(height)}`;

export const IMAGE_RULES: Partial<Record<ValidationKind, RowRule>> = {
  HAS_TIME: has('recorded_at', 'has no time (recordedAt)'),
  HAS_PLACE: has('place_id', 'has no place'),
  HAS_POSITION: has('latitude', 'has no latitude and longitude'),
  HAS_DRIVE: has('drive', 'belongs to no drive'),
  HAS_BYTES: has('sha256', 'has no picture (PUT /blobs/{sha256})'),
  HAS_SIZE: {
    holds: () => 'coalesce(width > 0 AND height > 0, false)',
    detail: () => 'has no width and height',
  },
  LABELLED: { holds: () => 'labelled', detail: () => 'is not labelled: boxes are missing, not empty' },
  BRIGHTNESS: range('brightness'),
  DARKNESS: range('darkness'),
  CONFLICTS: {
    holds: ({ maxSteps }, parameters) => `conflict <= ${parameters.add(maxSteps, 'int')}`,
    detail: ({ maxSteps }, { conflict }) =>
      `its sources are ${conflict} steps apart, and may be ${maxSteps} (conflicts)`,
  },
};

export const BOX_RULES: Partial<Record<ValidationKind, RowRule>> = {
  BOX_INSIDE: {
    holds: ({ tolerance }, parameters) => {
      const over = parameters.add(tolerance ?? 0, 'float8');
      // A coordinate that is no number fails: NaN is above every edge.
      return `x >= -${over} AND y >= -${over} AND x + width <= image_width + ${over} AND y + height <= image_height + ${over}`;
    },
    detail: (_, row) => {
      const [x, y] = [Number(row.x), Number(row.y)];
      if (!Number.isFinite(x + y)) return `${boxOf(row)} has a corner that is no number`;
      const [width, height] = [row.image_width ?? 0, row.image_height ?? 0];
      const meets = x < width && y < height && x + row.width > 0 && y + row.height > 0;
      return `${boxOf(row)} is ${meets ? 'partly' : 'wholly'} outside the image (${width} × ${height})`;
    },
  },
  BOX_SIZE: {
    holds: ({ minWidth, minHeight }, parameters) =>
      `width >= ${parameters.add(minWidth ?? 0, 'float8')} AND height >= ${parameters.add(minHeight ?? 0, 'float8')}`,
    detail: ({ minWidth, minHeight }, row) =>
      `${boxOf(row)} is smaller than ${minWidth ?? 0} × ${minHeight ?? 0}`,
  },
  CLASSES_KNOWN: {
    holds: ({ categories, colors }, parameters) => {
      const category = `category = ANY(${parameters.add(categories, 'text[]')})`;
      return colors
        ? `${category} AND (color = ANY(${parameters.add(colors, 'text[]')})) IS NOT FALSE`
        : category;
    },
    detail: (_, row) => `${boxOf(row)} is of none of the project's classes`,
  },
  HAS_COLOR: {
    holds: () => `CASE WHEN category = 'TRAFFIC_LIGHT' THEN color IS NOT NULL END`,
    detail: (_, row) => `${boxOf(row)} has no colour`,
  },
};
