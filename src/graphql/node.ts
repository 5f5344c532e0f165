/** Opaque global ids, and the `Node` interface that every noun implements. */
import { Field, ID, InterfaceType } from 'type-graphql';
import { PrimaryColumn } from 'typeorm';
import { ShingoError } from '../platform/error.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** A noun: its primary key in the database is a UUIDv7; outside it goes by a global id. */
@InterfaceType('Node', { description: 'Anything that has a global id.' })
export abstract class Node {
  @PrimaryColumn('uuid', { name: 'id' })
  uuid: string;

  @Field(() => ID, { name: 'id', description: 'Opaque and global; give it back as you got it.' })
  get globalId(): string {
    return toGlobalId(this.constructor.name, this.uuid);
  }
}

export function toGlobalId(type: string, uuid: string): string {
  return Buffer.from(`${type}:${uuid}`).toString('base64url');
}

/** The type and the UUID within a global id; null if it is none. */
export function parseGlobalId(id: string): { type: string; uuid: string } | null {
  const [type, uuid, ...rest] = Buffer.from(id, 'base64url').toString('utf8').split(':');
  if (!type || !uuid || rest.length > 0 || !UUID.test(uuid) || toGlobalId(type, uuid) !== id) return null;
  return { type, uuid };
}

/** @throws ShingoError INVALID_ID */
export function uuidOf(type: string, id: string): string {
  const parsed = parseGlobalId(id);
  if (parsed?.type === type) return parsed.uuid;
  const is = parsed ? `an id of type ${parsed.type}` : 'no id';
  throw new ShingoError(
    'INVALID_ID',
    `${JSON.stringify(id.slice(0, 100))} is ${is}; an id of type ${type} belongs here.`,
  );
}
