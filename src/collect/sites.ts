/** Where and at what hour a cell could be collected: the sun says when, the weather that a place has had says where. */
import { CoverageDimension, type Tab } from '../catalog/coverage/coverage.js';
import { TimeOfDay, WeatherName } from '../catalog/vocabulary.js';
import { geographyOf, type NamedFilter } from './cells.js';
import { couldHold } from './possible.js';
import { shareOf, type CollectionPlace, type SunHours, type Suns, type WeatherHours } from './world.js';

export interface SiteHour {
  hour: number;
  /** Of the hour, the share that is of the wanted time of day; null: any will do, or nothing is known. */
  timeShare: number | null;
  /** Hours of the wanted weather among those of which the weather is known; null: any weather will do. */
  matchingHours: number | null;
  observedHours: number | null;
}

export interface Site {
  placeUuid: string;
  hours: SiteHour[];
}

/** Of each wanted hour, by the sun; null: no place is known, or any time will do. */
type Shares = Map<SunHours | null, [hour: number, share: number | null][]>;

interface Demand {
  weathers: ReadonlySet<string> | null;
  times: ReadonlySet<string> | null;
  hour: number | null;
  month: number | null;
  isThere: (place: CollectionPlace) => boolean;
}

const WEATHERS = Object.values(WeatherName).filter((one) => one !== WeatherName.UNDEFINED);
const TIMES = Object.values(TimeOfDay).filter((one) => one !== TimeOfDay.UNDEFINED);

function demandOf(
  by: readonly CoverageDimension[],
  keys: readonly string[],
  conditions: NamedFilter[],
): Demand {
  const key = (dimension: CoverageDimension) => keys[by.indexOf(dimension)];
  const condition = conditions.find(({ name }) => name === key(CoverageDimension.CONDITION));
  const allowed = <T extends string>(name: 'weather' | 'timeOfDay', all: T[], own: string | undefined) => {
    const possible = all.filter(
      (one) =>
        (own === undefined || own === one) && (!condition || couldHold(condition.filter, { [name]: one })),
    );
    return possible.length === all.length ? null : new Set<string>(possible);
  };
  const [hour, month] = [key(CoverageDimension.HOUR), key(CoverageDimension.MONTH)];
  return {
    weathers: allowed('weather', WEATHERS, key(CoverageDimension.WEATHER)),
    times: allowed('timeOfDay', TIMES, key(CoverageDimension.TIME_OF_DAY)),
    hour: hour === undefined ? null : Number(hour),
    month: month === undefined ? null : Number(month) - 1,
    isThere: (place) =>
      by.every((dimension, at) => (geographyOf(dimension)?.(place) ?? keys[at]) === keys[at]),
  };
}

export class Sites {
  /** By the project's own images: hour → time of day → images. */
  private readonly seen: Map<string, Map<string, number>>;

  /** @param clock cross-tab by HOUR and TIME_OF_DAY, for places of which nobody has said where they are */
  constructor(
    private readonly places: CollectionPlace[],
    private readonly conditions: NamedFilter[],
    private readonly suns: Suns,
    private readonly weather: WeatherHours,
    clock: Tab,
  ) {
    this.seen = new Map();
    for (const { keys, images } of clock.cells) {
      const [hour, time] = keys;
      if (hour == null || time == null) continue;
      const times = this.seen.get(hour) ?? new Map<string, number>();
      this.seen.set(hour, times.set(time, images));
    }
  }

  /** The likeliest first; of each place its hours, the likeliest first. A place without such an hour is none. */
  of(by: readonly CoverageDimension[], keys: readonly string[], first: number): Site[] {
    const demand = demandOf(by, keys, this.conditions);
    const known: Shares = new Map();
    const chances: { place: CollectionPlace; best: number }[] = [];
    for (const place of this.places) {
      if (!demand.isThere(place)) continue;
      const best = this.bestOf(place, demand, known);
      if (best !== null) chances.push({ place, best });
    }
    chances.sort((a, b) => b.best - a.best || (a.place.id < b.place.id ? -1 : 1));
    return chances.slice(0, first).map(({ place }) => ({
      placeUuid: place.id,
      hours: this.hoursOf(place, demand, known).sort((a, b) => chance(b) - chance(a) || a.hour - b.hour),
    }));
  }

  /** What the first of `hoursOf` has, in numbers alone: of 5,000 places all but a few are not shown. Null: there is none. */
  private bestOf(place: CollectionPlace, demand: Demand, known: Shares): number | null {
    const { weathers } = demand;
    const had = weathers && this.weather.get(place.id);
    let best: number | null = null;
    for (const [hour, share] of this.timeShares(place, demand, known)) {
      if (share === 0) continue;
      let [matching, observed] = [0, 0];
      if (had && weathers)
        for (const [name, each] of had) {
          if (weathers.has(name)) matching += each[hour]!;
          if (name !== WeatherName.UNDEFINED) observed += each[hour]!;
        }
      if (matching === 0 && observed > 0) continue;
      const weather = weathers === null ? 1 : observed > 0 ? matching / observed : 0;
      best = Math.max(best ?? 0, weather * (share ?? 0.5));
    }
    return best;
  }

  private hoursOf(place: CollectionPlace, demand: Demand, known: Shares): SiteHour[] {
    const { weathers } = demand;
    const shares = this.timeShares(place, demand, known);
    const hours: SiteHour[] = [];
    for (const [hour, timeShare] of shares) {
      if (timeShare === 0) continue;
      const matchingHours = weathers && this.weatherHours(place, hour, (name) => weathers.has(name));
      const observedHours =
        weathers && this.weatherHours(place, hour, (name) => name !== WeatherName.UNDEFINED);
      if (!(matchingHours === 0 && observedHours! > 0))
        hours.push({ hour, timeShare, matchingHours, observedHours });
    }
    return hours;
  }

  private weatherHours({ id }: CollectionPlace, hour: number, wanted: (weather: string) => boolean): number {
    let total = 0;
    for (const [name, each] of this.weather.get(id) ?? []) if (wanted(name)) total += each[hour]!;
    return total;
  }

  /** Of each wanted hour; thousands of places have a few hundred suns, each of which is looked at once for a cell. */
  private timeShares(place: CollectionPlace, demand: Demand, known: Shares): [number, number | null][] {
    const sun = demand.times && this.suns.of(place);
    let shares = known.get(sun);
    if (!shares) {
      const hours = demand.hour === null ? Array.from({ length: 24 }, (_, hour) => hour) : [demand.hour];
      shares = hours.map((hour) => [hour, this.timeShare(sun, hour, demand)]);
      known.set(sun, shares);
    }
    return shares;
  }

  private timeShare(sun: SunHours | null, hour: number, { times, month }: Demand): number | null {
    if (times === null) return null;
    if (sun) return shareOf(sun, hour, times, month);
    const seen = [...(this.seen.get(String(hour).padStart(2, '0')) ?? [])];
    const all = seen.reduce((sum, [, images]) => sum + images, 0);
    if (all === 0) return null;
    return seen.reduce((sum, [time, images]) => sum + (times.has(time) ? images : 0), 0) / all;
  }
}

/** For the order only: a place whose weather nobody knows comes after each that is known to have it. */
function chance({ timeShare, matchingHours, observedHours }: SiteHour): number {
  const weather = matchingHours === null ? 1 : observedHours! > 0 ? matchingHours / observedHours! : 0;
  return weather * (timeShare ?? 0.5);
}
