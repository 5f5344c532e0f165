/** The places of images that are being written. */
import type { EntityManager } from 'typeorm';
import { newId } from '../../platform/ids.js';

export interface PlaceNames {
  country: string;
  prefecture: string;
  city: string;
  name?: string | null;
}

export interface LockedPlace {
  id: string;
  latitude: number | null;
  longitude: number | null;
  time_zone: string;
}

const keyOf = ({ country, prefecture, city, name }: PlaceNames) =>
  JSON.stringify([country, prefecture, city, name ?? '']);

export class LockedPlaces {
  private readonly byKey = new Map<string, LockedPlace>();
  private readonly byId = new Map<string, LockedPlace>();

  constructor(rows: (LockedPlace & PlaceNames)[]) {
    for (const row of rows) {
      this.byKey.set(keyOf(row), row);
      this.byId.set(row.id, row);
    }
  }

  named(names: PlaceNames | null | undefined): LockedPlace | null {
    return names ? (this.byKey.get(keyOf(names)) ?? null) : null;
  }

  withId(uuid: string | null): LockedPlace | null {
    return uuid === null ? null : (this.byId.get(uuid) ?? null);
  }
}

/** Shared row locks: a weather period of these places cannot change until this transaction is over. */
export async function lockPlaces(
  manager: EntityManager,
  projectUuid: string,
  named: PlaceNames[],
  uuids: string[],
): Promise<LockedPlaces> {
  if (named.length + uuids.length === 0) return new LockedPlaces([]);
  return new LockedPlaces(
    await manager.query(
      `/* image.lockPlaces */ SELECT id, country, prefecture, city, name, latitude, longitude, time_zone FROM place
       WHERE project_id = $1 AND (id = ANY ($6) OR (country, prefecture, city, name) IN
         (SELECT * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[])))
       ORDER BY id FOR SHARE`,
      [projectUuid, ...columnsOf(named), uuids],
    ),
  );
}

export interface NewPlace extends PlaceNames {
  timeZone: string;
  latitude?: number | null;
  longitude?: number | null;
}

/** Creates those that the project lacks; returns how many. Their names and time zones have been checked. */
export async function ensurePlaces(
  manager: EntityManager,
  projectUuid: string,
  places: NewPlace[],
): Promise<number> {
  const unique = [...new Map(places.map((place) => [keyOf(place), place])).values()];
  if (unique.length === 0) return 0;
  const created: object[] = await manager.query(
    `/* place.ensure */ INSERT INTO place (id, project_id, country, prefecture, city, name, time_zone, latitude, longitude)
     SELECT p.id, $1, p.country, p.prefecture, p.city, p.name, p.zone, p.latitude, p.longitude
     FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::float8[], $9::float8[])
       AS p(country, prefecture, city, name, id, zone, latitude, longitude)
     ORDER BY p.country, p.prefecture, p.city, p.name
     ON CONFLICT (project_id, country, prefecture, city, name) DO NOTHING RETURNING id`,
    [
      projectUuid,
      ...columnsOf(unique),
      unique.map(() => newId()),
      unique.map(({ timeZone }) => timeZone),
      unique.map(({ latitude }) => latitude ?? null),
      unique.map(({ longitude }) => longitude ?? null),
    ],
  );
  return created.length;
}

const columnsOf = (places: PlaceNames[]) => [
  places.map(({ country }) => country),
  places.map(({ prefecture }) => prefecture),
  places.map(({ city }) => city),
  places.map(({ name }) => name ?? ''),
];
