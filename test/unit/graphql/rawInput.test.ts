import { graphql } from 'graphql';
import 'reflect-metadata';
import { Arg, Field, InputType, Int, Mutation, Query, Resolver, buildSchema } from 'type-graphql';
import { RawInput, hideRawInputs } from '../../../src/graphql/rawInput.js';

let made = 0;

@InputType('RawInputTestPoint')
class Point {
  @Field(() => Int)
  value!: number;

  constructor() {
    made += 1;
  }
}

@InputType('RawInputTestInput')
class Input {
  @Field(() => [Point])
  points!: Point[];
}

@Resolver()
class SumResolver {
  @Query(() => Int)
  zero() {
    return 0;
  }

  @Mutation(() => Int)
  raw(@RawInput(() => Input) { points }: Input, @Arg('by', () => Int) by: number) {
    return points.reduce((sum, { value }) => sum + value, 0) * by;
  }

  @Mutation(() => Int)
  converted(@Arg('input', () => Input) { points }: Input) {
    return points.reduce((sum, { value }) => sum + value, 0);
  }
}

const schema = await buildSchema({ resolvers: [SumResolver], validate: false });
hideRawInputs(schema);
const ask = (source: string) => graphql({ schema, source });
const input = 'input: {points: [{value: 1}, {value: 2}]}';

beforeEach(() => (made = 0));

test('a raw input comes as graphql-js coerced it: no object of its classes is made', async () => {
  expect(await ask(`mutation { raw(${input}, by: 10) }`)).toEqual({ data: { raw: 30 } });
  expect(made).toBe(0);
});

test('any other input is made into objects of its classes', async () => {
  expect(await ask(`mutation { converted(${input}) }`)).toEqual({ data: { converted: 3 } });
  expect(made).toBe(2);
});

test('a raw input is still checked against its type', async () => {
  const { errors } = await ask('mutation { raw(input: {points: [{value: "1"}]}, by: 1) }');
  expect(errors?.[0]?.message).toContain('Int cannot represent non-integer value');
});
