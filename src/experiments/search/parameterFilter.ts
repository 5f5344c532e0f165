/** `where: {parameters: {some: …}}`: a parameter is compared as what it is, 10 is greater than 9. */
import { Field, Float, InputType } from 'type-graphql';
import { compileColumn } from '../../graphql/list/comparison.js';
import { TextFilter, boolean, float, special, text, type SpecialContext } from '../../graphql/list/fields.js';
import type { Where } from '../../graphql/list/where.js';
import { ShingoError } from '../../platform/error.js';

interface ListFilterValue {
  contains?: number | string | null;
  isNull?: boolean | null;
}

@InputType({ description: 'A list of numbers.' })
class NumberListFilter implements ListFilterValue {
  @Field(() => Float, { nullable: true })
  contains?: number | null;
  @Field(() => Boolean, { nullable: true, description: 'true: it is no such list; false: it is one.' })
  isNull?: boolean | null;
}

@InputType({ description: 'A list of texts.' })
class TextListFilter implements ListFilterValue {
  @Field(() => String, { nullable: true })
  contains?: string | null;
  @Field(() => Boolean, { nullable: true, description: 'true: it is no such list; false: it is one.' })
  isNull?: boolean | null;
}

const listOf = (column: string, sqlType: string, type: () => unknown, description: string) =>
  special({
    type,
    description,
    compile: (value, { parameters, alias }: SpecialContext) => {
      const { contains, isNull } = value as ListFilterValue;
      if (contains === null || isNull === null)
        throw new ShingoError('FILTER_INVALID', `parameters.${column}: null is no value to compare with.`);
      const sql = `${alias}.${column}`;
      const terms: string[] = [];
      if (contains !== undefined) terms.push(`${sql} @> ${parameters.add([contains], sqlType)}`);
      if (isNull !== undefined) terms.push(isNull ? `${sql} IS NULL` : `${sql} IS NOT NULL`);
      return terms.length === 0 ? 'true' : `(${terms.join(' AND ')})`;
    },
  });

/** Of a text, what its index knows: an index row holds 2,700 bytes. */
const KEY_LENGTH = 200;
const wholeText = text('t.text');
const textKey = text('t.text_key');

/** A text that is shorter than what the index knows is equal to it or not by that alone. */
const isShort = (filter: Where): boolean =>
  Object.entries(filter).every(
    ([operator, operand]) =>
      operator === 'isNull' ||
      (['eq', 'ne', 'in', 'notIn'].includes(operator) &&
        [operand].flat().every((one) => [...String(one)].length < KEY_LENGTH)),
  );

export const parameterFilter = {
  name: 'Parameter',
  table: 'experiment_parameter',
  fields: {
    name: text('t.name'),
    number: float('t.number', { nullable: true }),
    text: special({
      type: () => TextFilter,
      description: 'It is a text.',
      compile: (value, { parameters, alias }) =>
        compileColumn(
          'parameters.text',
          isShort(value as Where) ? textKey : wholeText,
          value as Where,
          parameters,
          alias,
        ),
    }),
    boolean: boolean('t.boolean'),
    numbers: listOf('numbers', 'double precision[]', () => NumberListFilter, 'A list of numbers.'),
    texts: listOf('texts', 'text[]', () => TextListFilter, 'A list of texts.'),
  },
};
