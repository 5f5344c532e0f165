/** Time of day from the sun: where it stands over a place at a time. */
import { getPosition } from 'suncalc';
import { TimeOfDay } from '../vocabulary.js';

/** Degrees above the horizon (negative: below). */
export function sunAltitude(time: Date, latitude: number, longitude: number): number {
  return getPosition(time, latitude, longitude).altitude;
}

/**
 * NIGHT below −6° (the end of civil twilight), DAY above 6° (the end of the golden hour, when the light stops being
 * low and red), DAWN_DUSK between: the altitudes that suncalc itself names dawn/dusk and goldenHour.
 */
export function timeOfDayFromSun(altitude: number): TimeOfDay {
  if (altitude < -6) return TimeOfDay.NIGHT;
  return altitude > 6 ? TimeOfDay.DAY : TimeOfDay.DAWN_DUSK;
}

/** 0 to 1, as the function darkness_of_sun of the database has it; see docs/decisions/0007. */
export const darknessOfSun = (altitude: number | null): number | null =>
  altitude === null ? null : 0.64 - 0.05 * Math.max(-6, Math.min(6, altitude));
