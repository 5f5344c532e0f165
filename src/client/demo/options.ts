import type { ShingoClient } from '../api.js';
import type { Output, Screen } from '../terminal/screen.js';

export interface DemoPlace {
  country: string;
  prefecture: string;
  city: string;
  timeZone: string;
  latitude?: number;
  longitude?: number;
}
export interface DemoWeather {
  /** Index into `places`. */
  place: number;
  weather: string;
  startTime: string;
  endTime: string | null;
}
export interface DemoData {
  /** Pictures with a manifest. */
  folder: string;
  places: DemoPlace[];
  weather: DemoWeather[];
}

export interface DemoOptions {
  url: string;
  apiKey?: string;
  /** Where `npm start` will answer later, if that is not `url`: the demo's own service may be gone by then. */
  homeUrl?: string;
  /** A folder of the user's own, in place of the demo data. */
  images?: string;
  demoData?: DemoData;
  /** What differs from the server's defaults. */
  parameters?: Record<string, unknown>;
  timeZone?: string;
  signal?: AbortSignal;
  out?: Output;
  err?: Output;
}

/** What the acts hand on to each other. */
export interface Stage {
  client: ShingoClient;
  screen: Screen;
  options: DemoOptions;
  project: { id: string; name: string };
  /** Jobs that were started and have not ended: to be cancelled when the demo is interrupted. */
  underWay: Set<string>;
}

/** A reason to leave with a non-zero exit code that needs no stack trace. */
export class DemoFailure extends Error {
  override readonly name = 'DemoFailure';
}
