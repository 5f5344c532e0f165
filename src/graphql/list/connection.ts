/** Relay connections: arguments, page info, and the types of one noun's connection. */
import { ArgsType, Field, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { ColumnField, Fields } from './fields.js';
import type { Where } from './where.js';

export enum Direction {
  ASC = 'ASC',
  DESC = 'DESC',
}
registerEnumType(Direction, { name: 'Direction', description: 'A missing value sorts as the largest.' });

export interface OrderBy {
  field: string;
  direction: Direction;
}

/** What can be ordered by beside the fields: input types by name. */
export type Orders = Record<string, { type: () => new () => object; description: string }>;

export interface PageArguments {
  where?: Where | null;
  orderBy?: OrderBy[] | null;
  first?: number | null;
  after?: string | null;
  last?: number | null;
  before?: string | null;
}

@ObjectType()
export class PageInfo {
  @Field(() => Boolean)
  hasNextPage: boolean;
  @Field(() => Boolean)
  hasPreviousPage: boolean;
  @Field(() => String, { nullable: true })
  startCursor: string | null;
  @Field(() => String, { nullable: true })
  endCursor: string | null;
}

export interface Connection<T> {
  nodes: T[];
  edges: { cursor: string; node: T }[];
  pageInfo: PageInfo;
  /** Costs a statement of its own, so it runs only when the field is asked for. */
  count: () => Promise<number>;
}

const named = <C extends object>(type: C, name: string): C =>
  Object.defineProperty(type, 'name', { value: name });
const screaming = (name: string) => name.replaceAll(/([A-Z])/g, '_$1').toUpperCase();

/** Builds `XConnection`, `XEdge`, `XWhere`, `XOrderBy` and the arguments of the field that returns them. */
export function connectionTypes(
  name: string,
  node: () => new () => object,
  fields: Fields,
  maxOrderBy: number,
  orders: Orders = {},
) {
  const where = whereType(name, fields);
  const orderBy = orderByType(name, fields, orders);

  class Edge {}
  ObjectType(`${name}Edge`)(named(Edge, `${name}Edge`));
  Field(() => String)(Edge.prototype, 'cursor');
  Field(() => node() as never)(Edge.prototype, 'node');

  class ConnectionType {
    declare count: () => Promise<number>;
    totalCount(): Promise<number> {
      return this.count();
    }
  }
  ObjectType(`${name}Connection`)(named(ConnectionType, `${name}Connection`));
  Field(() => [node()] as never, { complexity: 0 })(ConnectionType.prototype, 'nodes');
  Field(() => [Edge] as never, { complexity: 0 })(ConnectionType.prototype, 'edges');
  Field(() => PageInfo, { complexity: 0 })(ConnectionType.prototype, 'pageInfo');
  const totalCount = Object.getOwnPropertyDescriptor(ConnectionType.prototype, 'totalCount');
  Reflect.defineMetadata('design:paramtypes', [], ConnectionType.prototype, 'totalCount');
  Field(() => Int, { description: 'Of the whole list. Counted only when asked for.' })(
    ConnectionType.prototype,
    'totalCount',
    totalCount as PropertyDescriptor,
  );

  @ArgsType()
  class Arguments implements PageArguments {
    @Field(() => where, { nullable: true })
    where?: Where | null;
    @Field(() => [orderBy], { nullable: true, description: `At most ${maxOrderBy}; ties go by id.` })
    orderBy?: OrderBy[] | null;
    @Field(() => Int, { nullable: true, description: 'At most 500; 50 if neither first nor last is given.' })
    first?: number | null;
    @Field(() => String, { nullable: true })
    after?: string | null;
    @Field(() => Int, { nullable: true })
    last?: number | null;
    @Field(() => String, { nullable: true })
    before?: string | null;
  }
  return { Connection: ConnectionType, Arguments, Where: where };
}

function whereType(name: string, fields: Fields): new () => object {
  const known = whereTypes.get(fields);
  if (known) return known;
  class WhereType {}
  whereTypes.set(fields, WhereType);
  InputType(`${name}Where`, { description: 'Fields of one object must all hold; `not` is the complement.' })(
    named(WhereType, `${name}Where`),
  );
  const self = () => WhereType as never;
  Field(() => [WhereType] as never, { nullable: true })(WhereType.prototype, 'and');
  Field(() => [WhereType] as never, { nullable: true })(WhereType.prototype, 'or');
  Field(self, { nullable: true })(WhereType.prototype, 'not');
  for (const [field, declared] of Object.entries(fields)) {
    if (declared.kind === 'column')
      Field(() => declared.filter() as never, { nullable: true })(WhereType.prototype, field);
    else if (declared.kind === 'condition') {
      Field(() => String, { nullable: true, description: 'Name of a condition of the project.' })(
        WhereType.prototype,
        field,
      );
    } else if (declared.kind === 'special') {
      Field(() => declared.type() as never, { nullable: true, description: declared.description })(
        WhereType.prototype,
        field,
      );
    } else {
      // Made now, not in the callback: while a schema is built it is too late to add a type.
      const relation = relationType(name, field, declared);
      Field(() => relation, { nullable: true })(WhereType.prototype, field);
    }
  }
  return WhereType;
}
const whereTypes = new Map<Fields, new () => object>();

const relationTypes = new Map<string, new () => object>();
function relationType(name: string, field: string, relation: Extract<Fields[string], { kind: 'relation' }>) {
  const other = relation.list();
  const where = whereType(other.name, other.fields);
  if (!relation.many) return where as never;
  const typeName = `${name}${field[0]?.toUpperCase()}${field.slice(1)}Filter`;
  const known = relationTypes.get(typeName);
  if (known) return known as never;
  class Some {}
  relationTypes.set(typeName, Some);
  Field(() => where as never, { nullable: true, description: 'At least one of them.' })(
    Some.prototype,
    'some',
  );
  InputType(typeName)(named(Some, typeName));
  return Some as never;
}

function orderByType(name: string, fields: Fields, orders: Orders): new () => object {
  const sortable = Object.entries(fields).filter(([, field]) => field.kind === 'column' && field.sortable);
  const values = Object.fromEntries([
    ['CREATED', 'id'],
    ...sortable.map(([field]) => [screaming(field), field]),
  ]);
  registerEnumType(values, { name: `${name}OrderField` });
  class Order {}
  const only = Object.keys(orders).length === 0;
  Field(() => values as never, { nullable: !only })(Order.prototype, 'field');
  for (const [order, { type, description }] of Object.entries(orders))
    Field(() => type(), { nullable: true, description })(Order.prototype, order);
  Field(() => Direction, { defaultValue: Direction.ASC })(Order.prototype, 'direction');
  InputType(`${name}OrderBy`)(named(Order, `${name}OrderBy`));
  return Order;
}

/** The declared column that a sort field stands for; `id` (order of creation) is there for every noun. */
export function sortColumn(fields: Fields, name: string): ColumnField | undefined {
  const field = fields[name];
  return field?.kind === 'column' && field.sortable ? field : undefined;
}
