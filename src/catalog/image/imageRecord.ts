/** An image as it is written: what was said of it, and what its position, its time and its pixels say. */
import type { LockedPlace } from '../place/lockPlaces.js';
import { timeOfDayFromDarkness } from './picture/index.js';
import { sunAltitude, timeOfDayFromSun } from './sun.js';
import type { Scene, TimeOfDay, WeatherName } from '../vocabulary.js';

/** What the bytes say. */
export interface PictureRow {
  sha256: string;
  width: number;
  height: number;
  darkness: number;
  brightness: number;
}

/** What somebody says of an image. */
export interface ImageFacts {
  fileName: string;
  /** Pixels, where there is no picture to tell. */
  width?: number | null;
  height?: number | null;
  recordedAt?: Date | null;
  /** What the time was given as, where that was the wall clock of the place. */
  recordedLocal?: string | null;
  latitude?: number | null;
  longitude?: number | null;
  drive?: string | null;
  weather?: `${WeatherName}` | null;
  timeOfDay?: `${TimeOfDay}` | null;
  scene?: `${Scene}` | null;
  /** Somebody has looked for objects. */
  labelled: boolean;
  /** A crop of one light has no sky: its darkness says nothing of the time of day. */
  crop?: boolean;
}

/** Columns of `image`, in the order in which they are copied. */
export interface ImageRecord {
  id: string;
  place_id: string | null;
  sha256: string | null;
  file_name: string;
  width: number | null;
  height: number | null;
  recorded_at: string | null;
  recorded_local: string | null;
  latitude: number | null;
  longitude: number | null;
  drive: string | null;
  darkness_sensor: number | null;
  brightness: number | null;
  sun_altitude: number | null;
  weather_label: string | null;
  time_of_day_label: string | null;
  time_of_day_derived: string | null;
  time_of_day_sensor: string | null;
  scene_label: string | null;
}

/** @param picture null: its bytes are not here yet */
export function imageRecord(
  id: string,
  facts: ImageFacts,
  picture: PictureRow | null,
  place: LockedPlace | null,
): ImageRecord {
  const [latitude, longitude] = [facts.latitude ?? place?.latitude, facts.longitude ?? place?.longitude];
  const sun =
    facts.recordedAt && latitude != null && longitude != null
      ? sunAltitude(facts.recordedAt, latitude, longitude)
      : null;
  return {
    id,
    place_id: place?.id ?? null,
    sha256: picture?.sha256 ?? null,
    file_name: facts.fileName,
    width: picture?.width ?? facts.width ?? null,
    height: picture?.height ?? facts.height ?? null,
    recorded_at: facts.recordedAt?.toISOString() ?? null,
    recorded_local: facts.recordedLocal ?? null,
    latitude: facts.latitude ?? null,
    longitude: facts.longitude ?? null,
    drive: facts.drive ?? null,
    darkness_sensor: picture?.darkness ?? null,
    brightness: picture?.brightness ?? null,
    sun_altitude: sun,
    weather_label: facts.weather ?? null,
    time_of_day_label: facts.timeOfDay ?? null,
    time_of_day_derived: sun === null ? null : timeOfDayFromSun(sun),
    time_of_day_sensor: picture === null || facts.crop ? null : timeOfDayFromDarkness(picture.darkness),
    scene_label: facts.scene ?? null,
  };
}
