/** Where and at what hour a cell could be collected: the sun says when, the weather that a place has had says where. */
import { CoverageDimension, type Tab } from '../catalog/coverage/coverage.js';
import { TimeOfDay, WeatherName } from '../catalog/vocabulary.js';
import { geographyOf, type NamedFilter } from './cells.js';
import { couldHold } from './possible.js';
import { shareOf, type CollectionPlace, type Suns, type WeatherHours } from './world.js';

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
    const sites = this.places.filter(demand.isThere).map((place) => {
      const hours = this.hoursOf(place, demand).sort((a, b) => chance(b) - chance(a) || a.hour - b.hour);
      return { placeUuid: place.id, hours };
    });
    return sites
      .filter(({ hours }) => hours.length > 0)
      .sort((a, b) => chance(b.hours[0]!) - chance(a.hours[0]!) || (a.placeUuid < b.placeUuid ? -1 : 1))
      .slice(0, first);
  }

  private hoursOf(place: CollectionPlace, demand: Demand): SiteHour[] {
    const hours = demand.hour === null ? Array.from({ length: 24 }, (_, hour) => hour) : [demand.hour];
    const had = this.weather.get(place.id);
    return hours
      .map((hour): SiteHour => {
        const { weathers } = demand;
        const sum = (wanted: (weather: string) => boolean) =>
          [...(had ?? [])].reduce((total, [name, each]) => total + (wanted(name) ? each[hour]! : 0), 0);
        return {
          hour,
          timeShare: this.timeShare(place, hour, demand),
          matchingHours: weathers && sum((name) => weathers.has(name)),
          observedHours: weathers && sum((name) => name !== WeatherName.UNDEFINED),
        };
      })
      .filter((one) => one.timeShare !== 0 && !(one.matchingHours === 0 && one.observedHours! > 0));
  }

  private timeShare(place: CollectionPlace, hour: number, { times, month }: Demand): number | null {
    if (times === null) return null;
    const sun = this.suns.of(place);
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
