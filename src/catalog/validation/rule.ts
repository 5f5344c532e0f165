/** What a project demands of its images and labels. */
import { Field, Float, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import { Category, LightColor } from '../vocabulary.js';

export enum ValidationKind {
  HAS_TIME = 'HAS_TIME',
  HAS_PLACE = 'HAS_PLACE',
  HAS_POSITION = 'HAS_POSITION',
  HAS_SIZE = 'HAS_SIZE',
  HAS_BYTES = 'HAS_BYTES',
  HAS_DRIVE = 'HAS_DRIVE',
  LABELLED = 'LABELLED',
  BRIGHTNESS = 'BRIGHTNESS',
  DARKNESS = 'DARKNESS',
  CONFLICTS = 'CONFLICTS',
  BOX_INSIDE = 'BOX_INSIDE',
  BOX_SIZE = 'BOX_SIZE',
  CLASSES_KNOWN = 'CLASSES_KNOWN',
  HAS_COLOR = 'HAS_COLOR',
  CLASS_COUNT = 'CLASS_COUNT',
}
registerEnumType(ValidationKind, {
  name: 'ValidationKind',
  valuesConfig: {
    HAS_TIME: { description: 'Every image has a recordedAt.' },
    HAS_PLACE: { description: 'Every image has a place.' },
    HAS_POSITION: {
      description: "Every image has a latitude and a longitude of its own, beside its place's.",
    },
    HAS_SIZE: { description: 'The width and height of every image are known.' },
    HAS_BYTES: { description: 'The picture of every image is here.' },
    HAS_DRIVE: { description: 'Every image belongs to a drive.' },
    LABELLED: { description: 'Somebody has looked at every image, be it to find nothing.' },
    BRIGHTNESS: { description: 'min, max, or both: mean luma of the picture, 0 to 1.' },
    DARKNESS: { description: 'min, max, or both: what the pixels say, 0 to 1.' },
    CONFLICTS: {
      description: 'maxSteps: how far apart the sources of a condition may be (conditionConflicts).',
    },
    BOX_INSIDE: {
      description: 'tolerance: pixels that a box may reach over the edge of its image; missing: 0.',
    },
    BOX_SIZE: { description: 'minWidth, minHeight, or both: pixels.' },
    CLASSES_KNOWN: {
      description:
        'categories: what boxes may be of. colors, if given: what lights may show; a light without a colour passes.',
    },
    HAS_COLOR: { description: 'Every TRAFFIC_LIGHT has a colour, be it UNKNOWN.' },
    CLASS_COUNT: {
      description:
        'atLeast: boxes of each of the classes; missing: of each that occurs. perSplit: in each split of a version. Judges sets, not what is being imported.',
    },
  },
});

export enum ValidationSeverity {
  ERROR = 'ERROR',
  WARNING = 'WARNING',
}
registerEnumType(ValidationSeverity, {
  name: 'ValidationSeverity',
  valuesConfig: {
    ERROR: { description: 'Images and versions that fail are refused.' },
    WARNING: { description: 'They are reported.' },
  },
});

@InputType('ValidationClassInput')
@ObjectType('ValidationClass')
export class ValidationClass {
  @Field(() => Category)
  category: Category;
  @Field(() => LightColor, { nullable: true, description: 'Of a TRAFFIC_LIGHT; missing: any or none.' })
  color?: LightColor | null;
}

@InputType('ValidationRuleInput', { description: 'A parameter that the kind does not name is refused.' })
@ObjectType('ValidationRule')
export class ValidationRule {
  @Field(() => ValidationKind)
  kind: ValidationKind;
  @Field(() => ValidationSeverity)
  severity: ValidationSeverity;
  @Field(() => Float, { nullable: true })
  min?: number | null;
  @Field(() => Float, { nullable: true })
  max?: number | null;
  @Field(() => Int, { nullable: true })
  maxSteps?: number | null;
  @Field(() => Float, { nullable: true })
  tolerance?: number | null;
  @Field(() => Float, { nullable: true })
  minWidth?: number | null;
  @Field(() => Float, { nullable: true })
  minHeight?: number | null;
  @Field(() => [Category], { nullable: true })
  categories?: Category[] | null;
  @Field(() => [LightColor], { nullable: true })
  colors?: LightColor[] | null;
  @Field(() => [ValidationClass], { nullable: true })
  classes?: ValidationClass[] | null;
  @Field(() => Int, { nullable: true })
  atLeast?: number | null;
  @Field(() => Boolean, { nullable: true })
  perSplit?: boolean | null;
}

export type RuleParameter = Exclude<keyof ValidationRule, 'kind' | 'severity'>;

/** What a project that has declared no rules is judged by. */
export const DEFAULT_RULES: readonly ValidationRule[] = [
  { kind: ValidationKind.HAS_SIZE, severity: ValidationSeverity.WARNING },
  { kind: ValidationKind.BOX_INSIDE, severity: ValidationSeverity.WARNING, tolerance: 1 },
];
