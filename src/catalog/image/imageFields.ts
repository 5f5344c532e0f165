import {
  condition,
  float,
  id,
  int,
  its,
  oneOf,
  some,
  text,
  time,
  type Fields,
} from '../../graphql/list/fields.js';
import { annotationList } from '../annotation/annotation.js';
import { placeList } from '../place/place.js';
import { location } from './search/location.js';
import { words } from './search/words.js';
import { AnnotationSource, Scene, TimeOfDay, WeatherName } from '../vocabulary.js';

/** What images can be filtered and sorted by: also the language in which conditions are defined. */
const fields: Fields = {
  id: id('Image', 't.id'),
  sha256: text('t.sha256', { nullable: true }),
  fileName: text('t.file_name', { sort: true }),
  recordedAt: time('t.recorded_at', { sort: true, nullable: true }),
  createdAt: time('t.created_at'),
  latitude: float('t.latitude', { nullable: true }),
  longitude: float('t.longitude', { nullable: true }),
  width: int('t.width', { nullable: true }),
  height: int('t.height', { nullable: true }),
  drive: text('t.drive', { nullable: true }),
  weather: oneOf('WeatherName', WeatherName, 't.weather', { nullable: true }),
  timeOfDay: oneOf('TimeOfDay', TimeOfDay, 't.time_of_day', { nullable: true }),
  scene: oneOf('Scene', Scene, 't.scene', { nullable: true }),
  darkness: float('t.darkness', { sort: true, nullable: true }),
  brightness: float('t.brightness', { sort: true, nullable: true }),
  sunAltitude: float('t.sun_altitude', { nullable: true }),
  weatherConflict: int('t.weather_conflict'),
  timeOfDayConflict: int('t.time_of_day_conflict'),
  /** How many steps its sources are apart; the index image_conflict is on this expression. */
  conflict: int('greatest(t.weather_conflict, t.time_of_day_conflict)', { sort: true }),
  people: int('t.people', { sort: true, nullable: true }),
  cars: int('t.cars', { sort: true, nullable: true }),
  bicycles: int('t.bicycles', { nullable: true }),
  buses: int('t.buses', { nullable: true }),
  trafficLights: int('t.traffic_lights', { sort: true, nullable: true }),
  countsSource: oneOf('AnnotationSource', AnnotationSource, 't.counts_source', { nullable: true }),
  placeId: id('Place', 't.place_id'),
  place: its(() => placeList, 's.id = t.place_id'),
  /** Those that count: of an image that a person has labelled the person's, of another the model's. */
  annotations: some(() => annotationList, 's.image_id = t.id AND s.source = t.counts_source'),
  condition: condition(),
  search: words,
  location,
};

export const imageFields = (): Fields => fields;
