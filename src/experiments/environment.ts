/** What an experiment was trained with, so that it can be repeated or explained. */
import { Field, Float, ObjectType } from 'type-graphql';
import type { DataSource, EntityManager } from 'typeorm';
import type { Loaders } from '../graphql/context.js';
import type { Experiment } from './experiment.js';
import { parametersOf } from './experimentService.js';

@ObjectType()
export class PackageVersion {
  @Field(() => String)
  name: string;
  @Field(() => String)
  version: string;
}

@ObjectType()
export class Environment {
  @Field(() => String, { description: 'E.g. cuda or wasm.' })
  engine: string;

  @Field(() => String, { nullable: true })
  engineReason: string | null;

  @Field(() => Float, { nullable: true })
  seed: number | null;

  @Field(() => String, { nullable: true })
  serviceVersion: string | null;

  @Field(() => String, {
    nullable: true,
    description: "Of the service's sources; -dirty at its end: they had been changed since.",
  })
  gitCommit: string | null;

  @Field(() => String, { nullable: true })
  nodeVersion: string | null;

  @Field(() => String, { nullable: true, description: 'Operating system, its release, processor.' })
  platform: string | null;

  @Field(() => [PackageVersion], { description: 'Those that decide on the numbers, by name.' })
  packages: PackageVersion[];
}

export async function environmentOf(
  load: Loaders,
  db: DataSource | EntityManager,
  experiment: Experiment,
): Promise<Environment | null> {
  const { engine, engineReason, serviceVersion, gitCommit, nodeVersion, platform, packages } = experiment;
  if (engine === null) return null;
  const parameters = await parametersOf(load, db, experiment.uuid);
  const seed = parameters.find(({ name }) => name === 'seed')?.number ?? null;
  const versions = Object.entries(packages ?? {}).map(([name, version]) => ({ name, version }));
  versions.sort((a, b) => (a.name < b.name ? -1 : 1));
  const about = { engine, engineReason, seed, serviceVersion, gitCommit, nodeVersion, platform };
  return Object.assign(new Environment(), about, { packages: versions });
}
