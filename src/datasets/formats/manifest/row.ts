import { z } from 'zod';

import { isTimeZone } from '../../../platform/timeZone.js';
import {
  CATEGORIES,
  LIGHT_ARROWS,
  LIGHT_COLORS,
  LIGHT_ROLES,
  SCENES,
  TIMES_OF_DAY,
  WEATHERS,
} from '../words.js';
import { parseInstant } from './instant.js';
import { type Problem, show } from './problems.js';

/** Messages are written to follow the shown value: `"DRIZZLE" is not one of …`. */
const text = (longest: number) =>
  z
    .string()
    .max(longest, `is longer than ${longest} characters`)
    .regex(/^[^\u0000-\u001f]*\S[^\u0000-\u001f]*$/, 'is blank or has control characters');

const instant = z.string().transform((value, context) => {
  try {
    return parseInstant(value);
  } catch (error) {
    context.addIssue({ code: 'custom', message: `${show(value)} ${(error as Error).message}` });
    return z.NEVER;
  }
});

const timeZone = z
  .string()
  .refine(isTimeZone, { error: (issue) => `${show(issue.input)} is not a time zone such as Asia/Tokyo` });

const boxSchema = z
  .strictObject({
    category: z.enum(CATEGORIES),
    x: z.number().optional(),
    y: z.number().optional(),
    width: z.number().positive('is not larger than zero').optional(),
    height: z.number().positive('is not larger than zero').optional(),
    color: z.enum(LIGHT_COLORS).nullish(),
    arrows: z.array(z.enum(LIGHT_ARROWS)).nullish(),
    role: z.enum(LIGHT_ROLES).nullish(),
    occluded: z.boolean().nullish(),
    truncated: z.boolean().nullish(),
    wholeImage: z.boolean().nullish(),
  })
  .superRefine((box, context) => {
    // Label files of cars and signs carry a colour as well, where it means nothing.
    for (const field of ['color', 'arrows', 'role'] as const) {
      const given = Array.isArray(box[field]) ? box[field].length > 0 : box[field] != null;
      if (given && box.category !== 'TRAFFIC_LIGHT') {
        const message = `${show(box[field])} is given for ${box.category}; it belongs to a TRAFFIC_LIGHT only`;
        context.addIssue({ code: 'custom', path: [field], message });
      }
    }
    if (box.wholeImage) return;
    for (const side of ['x', 'y', 'width', 'height'] as const) {
      if (box[side] === undefined) context.addIssue({ code: 'custom', path: [side], message: 'is missing' });
    }
  });

const PLACE_COLUMNS = ['country', 'prefecture', 'city'] as const;

export const rowSchema = z
  .strictObject({
    file: text(1000),
    recordedAt: instant.optional(),
    recordedLocal: z
      .string()
      .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?$/, {
        error: 'is not a time without an offset, as 2024-05-01T18:30:00',
      })
      .optional(),
    latitude: z
      .number()
      .min(-90, 'is not between -90 and 90')
      .max(90, 'is not between -90 and 90')
      .optional(),
    longitude: z
      .number()
      .min(-180, 'is not between -180 and 180')
      .max(180, 'is not between -180 and 180')
      .optional(),
    country: text(200).optional(),
    prefecture: text(200).optional(),
    city: text(200).optional(),
    timeZone: timeZone.optional(),
    weather: z.enum(WEATHERS).optional(),
    timeOfDay: z.enum(TIMES_OF_DAY).optional(),
    scene: z.enum(SCENES).optional(),
    drive: text(200).optional(),
    boxes: z.array(boxSchema).max(1_000, { error: 'holds more than 1,000 boxes' }).optional(),
  })
  .superRefine((row, context) => {
    const missing = (column: string, given: string) =>
      context.addIssue({ code: 'custom', path: [column], message: `is missing, while ${given} is given` });
    if (row.latitude === undefined && row.longitude !== undefined) missing('latitude', 'longitude');
    if (row.longitude === undefined && row.latitude !== undefined) missing('longitude', 'latitude');
    const given =
      PLACE_COLUMNS.find((column) => row[column] !== undefined) ??
      (['timeZone', 'recordedLocal'] as const).find((column) => row[column] !== undefined);
    if (given) PLACE_COLUMNS.forEach((column) => row[column] === undefined && missing(column, given));
  });

export type Row = z.infer<typeof rowSchema>;
export type Box = z.infer<typeof boxSchema>;
export const COLUMNS = Object.keys(rowSchema.shape);

/** A row as a reader found it: nothing checked yet, columns without a value left out. */
export interface RawRow {
  where: string;
  values: Record<string, unknown>;
}

/** The row, or undefined after its problems have been reported. */
export function parseRow(raw: RawRow, report: (problem: Problem) => void): Row | undefined {
  const result = rowSchema.safeParse(raw.values, { reportInput: true });
  if (result.success) return result.data;
  for (const issue of result.error.issues) report(toProblem(raw.where, issue));
  return undefined;
}

function toProblem(where: string, issue: z.core.$ZodIssue): Problem {
  const column = issue.path.reduce<string>(
    (path, key) =>
      typeof key === 'number' ? `${path}[${key}]` : path ? `${path}.${String(key)}` : String(key),
    '',
  );
  if (issue.code === 'unrecognized_keys') {
    const known = column ? Object.keys(boxSchema.shape) : COLUMNS;
    const keys = issue.keys.map((key) => show(key)).join(', ');
    return {
      where,
      column: column || undefined,
      message: `${unknownColumn(column, keys)} (known: ${known.join(', ')})`,
    };
  }
  return { where, column: column || undefined, message: messageFor(issue) };
}

function unknownColumn(column: string, keys: string): string {
  return column ? `${keys} is unknown` : `column ${keys} is unknown`;
}

function messageFor(issue: z.core.$ZodIssue): string {
  if (issue.code === 'custom') return issue.message;
  if (issue.input === undefined) return 'is missing';
  if (issue.code === 'invalid_value') return `${show(issue.input)} is not one of ${issue.values.join(', ')}`;
  if (issue.code === 'invalid_type')
    return `${show(issue.input)} is not ${NOUNS[issue.expected] ?? issue.expected}`;
  return `${show(issue.input)} ${issue.message}`;
}

const NOUNS: Record<string, string> = {
  number: 'a number',
  string: 'a text',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
};
