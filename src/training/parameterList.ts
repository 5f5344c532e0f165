/** The parameters of each network as a list, for people to choose from: name, type, range, default, meaning. */
import { z } from 'zod';
import { presetsOf, unusedIn, windowsOf } from './detectionParameters.js';
import type { Algorithm } from './networks/index.js';
import type { TaskName } from './networks/network.js';
import { commonParameters, PARAMETERS } from './parameters.js';

export interface ParameterDescription {
  /** With a dot where it is one of a group, such as augmentation.flip. */
  name: string;
  type: 'INT' | 'FLOAT' | 'STRING' | 'BOOLEAN' | 'MAP';
  description: string;
  /** Bounds of a number, or of each number of a MAP. */
  minimum: number | null;
  maximum: number | null;
  /** The minimum itself is refused. */
  exclusive: boolean;
  /** Null is a value as well: it switches off what the parameter is about. */
  nullable: boolean;
  /** Of a STRING that is not free. */
  values: string[] | null;
  preset: number | string | boolean | null;
  /** The network's own; false: every training has it. */
  ofNetwork: boolean;
}

interface JsonSchema {
  type?: string;
  description?: string;
  default?: unknown;
  const?: unknown;
  enum?: string[];
  minimum?: number;
  exclusiveMinimum?: number;
  maximum?: number;
  anyOf?: JsonSchema[];
  properties?: Record<string, JsonSchema>;
  additionalProperties?: JsonSchema | boolean;
}

/** What is chosen elsewhere: the network by its name, the task by what is to be learnt. */
const CHOICES = ['algorithm', 'task'];

/** Those that the task looks at, with its defaults, in the order of the schema. */
export function parameterList(algorithm: Algorithm, task: TaskName = 'LIGHT_STATE'): ParameterDescription[] {
  const schema = z.toJSONSchema(PARAMETERS[algorithm], { io: 'input' }) as JsonSchema;
  const hidden = [...CHOICES, ...unusedIn(task), ...windowsOf(algorithm)];
  const presets: Record<string, unknown> = presetsOf(task);
  return Object.entries(schema.properties ?? {}).flatMap(([name, one]) =>
    hidden.includes(name)
      ? []
      : described(
          name,
          name in presets ? { ...one, default: presets[name] } : one,
          !(name in commonParameters),
        ),
  );
}

function described(name: string, schema: JsonSchema, ofNetwork: boolean): ParameterDescription[] {
  if (schema.properties)
    return Object.entries(schema.properties).flatMap(([inner, one]) =>
      described(`${name}.${inner}`, one, ofNetwork),
    );
  const [first, other] = schema.anyOf ?? [schema];
  const map = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : null;
  const number = map ?? first ?? schema;
  return [
    {
      name,
      type: map ? 'MAP' : typeOf(first ?? schema),
      description: schema.description ?? '',
      minimum: number.minimum ?? number.exclusiveMinimum ?? null,
      maximum: number.maximum ?? null,
      exclusive: number.exclusiveMinimum !== undefined,
      nullable: other?.type === 'null',
      values: first?.enum ?? null,
      preset: map ? null : ((schema.default ?? null) as ParameterDescription['preset']),
      ofNetwork,
    },
  ];
}

function typeOf({ type }: JsonSchema): ParameterDescription['type'] {
  if (type === 'integer') return 'INT';
  if (type === 'number') return 'FLOAT';
  return type === 'boolean' ? 'BOOLEAN' : 'STRING';
}
