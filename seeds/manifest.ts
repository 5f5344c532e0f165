/** One line of manifest.jsonl: what a person or a sensor would have noted about one picture. */
export const WEATHERS = ['CLEAR', 'PARTLY_CLOUDY', 'OVERCAST', 'RAIN', 'SNOW', 'FOG'] as const;
export type Weather = (typeof WEATHERS)[number];
export type TimeOfDay = 'DAY' | 'DAWN_DUSK' | 'NIGHT';
export type LightColor = 'RED' | 'YELLOW' | 'GREEN' | 'OFF';
export type Arrow = 'LEFT' | 'STRAIGHT' | 'RIGHT';
export type Category =
  'PERSON' | 'RIDER' | 'CAR' | 'TRUCK' | 'BUS' | 'MOTORCYCLE' | 'BICYCLE' | 'TRAFFIC_LIGHT' | 'TRAFFIC_SIGN';

export interface Rectangle {
  /** Pixels, continuous: x + width is the right edge. */
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface ManifestBox extends Rectangle {
  category: Category;
  occluded: boolean;
  /** Traffic lights only, as are arrows and role. */
  color?: LightColor;
  arrows?: Arrow[];
  role?: 'VEHICLE' | 'PEDESTRIAN';
}

export interface ManifestRow {
  file: string;
  /** With the place's own offset. */
  recordedAt: string;
  latitude: number;
  longitude: number;
  country: string;
  prefecture: string;
  city: string;
  /** Left out of a part of the rows: the catalog resolves it from the place's weather period. */
  weather?: Weather;
  /** Left out of a part of the rows: the catalog resolves it from the sun. */
  timeOfDay?: TimeOfDay;
  drive: string;
  boxes: ManifestBox[];
}
