/** Search by position: within a box of latitudes and longitudes, or within a distance of a point. */
import { Field, Float, InputType } from 'type-graphql';
import { special, type SpecialContext } from '../../../graphql/list/fields.js';
import type { Parameters } from '../../../graphql/list/where.js';
import { ShingoError } from '../../../platform/error.js';

/** Mean radius of the Earth (IUGG: (2a + b) / 3 of WGS 84). */
export const EARTH_RADIUS_KM = 6371.0088;
/** Half way around; nothing is further away. */
const MAX_KM = Math.PI * EARTH_RADIUS_KM;

@InputType({
  description:
    'Degrees, edges included. West greater than east: over the 180th meridian. A pole is in a box that reaches it, whatever its longitudes.',
})
export class GeoBox {
  @Field(() => Float)
  south: number;
  @Field(() => Float)
  west: number;
  @Field(() => Float)
  north: number;
  @Field(() => Float)
  east: number;
}

@InputType({
  description: `At most so far by great circle: haversine, radius of the Earth ${EARTH_RADIUS_KM} km.`,
})
export class GeoCircle {
  @Field(() => Float)
  latitude: number;
  @Field(() => Float)
  longitude: number;
  @Field(() => Float, { description: `0 to ${Math.ceil(MAX_KM)}.` })
  km: number;
}

@InputType({ description: 'All that is given must hold.' })
export class LocationFilter {
  @Field(() => GeoBox, { nullable: true })
  withinBox?: GeoBox | null;
  @Field(() => GeoCircle, { nullable: true })
  withinKm?: GeoCircle | null;
  @Field(() => Boolean, {
    nullable: true,
    description: 'true: neither the image nor its place has a position; false: one of them has.',
  })
  isNull?: boolean | null;
}

function inRange(name: string, value: unknown, least: number, most: number): number {
  if (typeof value === 'number' && value >= least && value <= most) return value;
  throw new ShingoError('FILTER_INVALID', `${name} is a number from ${least} to ${most}.`);
}

/** Longitudes from west on to east; where west is greater they go over the 180th meridian. */
interface Area {
  south: number;
  north: number;
  /** null: all around. */
  longitudes: { west: number; east: number } | null;
}

function boxArea(box: GeoBox): Area {
  const name = 'location.withinBox';
  const south = inRange(`${name}.south`, box.south, -90, 90);
  const north = inRange(`${name}.north`, box.north, -90, 90);
  if (south > north) throw new ShingoError('FILTER_INVALID', `${name}: south is not to be above north.`);
  const west = inRange(`${name}.west`, box.west, -180, 180);
  const east = inRange(`${name}.east`, box.east, -180, 180);
  return { south, north, longitudes: { west, east } };
}

const degrees = (radians: number) => (radians * 180) / Math.PI;
const radians = (angle: number) => (angle * Math.PI) / 180;
/** What rounding may do to a point on the edge, in degrees; the distance itself decides. */
const SLACK = 1e-6;

/** The least box around a circle: an index is entered by it, then each distance is measured. */
function circleArea({ latitude, longitude, km }: GeoCircle): Area {
  const angle = km / EARTH_RADIUS_KM;
  const south = latitude - degrees(angle) - SLACK;
  const north = latitude + degrees(angle) + SLACK;
  // With a pole in it a circle has every longitude; elsewhere the meridians that touch it bound it.
  if (south <= -90 || north >= 90) return { south, north, longitudes: null };
  const half = degrees(Math.asin(Math.min(1, Math.sin(angle) / Math.cos(radians(latitude))))) + SLACK;
  if (half >= 180) return { south, north, longitudes: null };
  const wrapped = (value: number) => (value < -180 ? value + 360 : value > 180 ? value - 360 : value);
  return {
    south,
    north,
    longitudes: { west: wrapped(longitude - half), east: wrapped(longitude + half) },
  };
}

function within({ south, north, longitudes }: Area, parameters: Parameters, alias: string): string {
  const number = (value: number) => parameters.add(value, 'double precision');
  const latitude = `${alias}.latitude`;
  const longitude = `${alias}.longitude`;
  const band = `${latitude} >= ${number(south)} AND ${latitude} <= ${number(north)}`;
  if (!longitudes) return `(${band})`;
  const { west, east } = longitudes;
  const ways =
    west <= east
      ? [`${longitude} >= ${number(west)} AND ${longitude} <= ${number(east)}`]
      : [`${longitude} >= ${number(west)}`, `${longitude} <= ${number(east)}`];
  // The 180th meridian has two numbers, and a pole has every longitude.
  if (west <= east && east === 180) ways.push(`${longitude} = -180`);
  if (west <= east && west === -180) ways.push(`${longitude} = 180`);
  if (north >= 90) ways.push(`${latitude} = 90`);
  if (south <= -90) ways.push(`${latitude} = -90`);
  return `(${ways.map((way) => `(${band} AND ${way})`).join(' OR ')})`;
}

/**
 * PostgreSQL refuses a product that is too small for a number, and somebody's longitude is 1e-200. All functions of it
 * are even; what is left out is 0.1 mm, and 0.4 mm are allowed for it.
 */
const apart = (sql: string) => `greatest(abs(${sql}), 1e-9)`;
const LEAST_SINE = 1e-21;

/** sin²(d/2R) of the haversine formula, compared with the radius's: it grows with d up to half way around. */
function nearerThan({ latitude, longitude, km }: GeoCircle, parameters: Parameters, alias: string): string {
  const number = (value: number) => parameters.add(value, 'double precision');
  const half = (a: string, b: string) => `sin(radians(${apart(`${a} - ${b}`)}) / 2) ^ 2`;
  const most = Math.sin(Math.min(km / EARTH_RADIUS_KM, Math.PI) / 2) ** 2 + LEAST_SINE;
  return `${half(`${alias}.latitude`, number(latitude))} + ${number(Math.cos(radians(latitude)))}
    * cos(radians(${apart(`${alias}.latitude`)})) * ${half(`${alias}.longitude`, number(longitude))} <= ${number(most)}`;
}

/** @throws ShingoError FILTER_INVALID */
function terms(filter: LocationFilter, parameters: Parameters, alias: string): string[] {
  const found: string[] = [];
  if (filter.withinBox) found.push(within(boxArea(filter.withinBox), parameters, alias));
  if (filter.withinKm) {
    const { latitude, longitude, km } = filter.withinKm;
    const name = 'location.withinKm';
    inRange(`${name}.latitude`, latitude, -90, 90);
    inRange(`${name}.longitude`, longitude, -180, 180);
    inRange(`${name}.km`, km, 0, Math.ceil(MAX_KM));
    found.push(within(circleArea(filter.withinKm), parameters, alias));
    if (km < MAX_KM) found.push(nearerThan(filter.withinKm, parameters, alias));
  }
  if (filter.isNull === false) found.push(`${alias}.latitude IS NOT NULL`);
  return found;
}

function compile(value: unknown, { parameters, alias, spend }: SpecialContext): string {
  const filter = value as LocationFilter;
  spend();
  const own = terms(filter, parameters, alias);
  const located = 's.latitude IS NOT NULL';
  // Not correlated, so that the places are found once and their images by the index image_unlocated.
  const ofPlace = (conditions: string[]) =>
    `${alias}.latitude IS NULL AND ${alias}.place_id = ANY(ARRAY(SELECT s.id FROM place s WHERE ${conditions.join(' AND ')}))`;
  const asked =
    own.length === 0 ? [] : [`((${own.join(' AND ')}) OR (${ofPlace(terms(filter, parameters, 's'))}))`];
  if (filter.isNull === true) asked.push(`${alias}.latitude IS NULL AND (${ofPlace([located])}) IS NOT TRUE`);
  return asked.length === 0 ? 'true' : `(${asked.join(' AND ')})`;
}

export const location = special({
  type: () => LocationFilter,
  description:
    'By position: that of the image or, where it has none, that of its place, as for the altitude of the sun.',
  compile,
});
