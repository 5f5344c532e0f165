import type { ShingoClient } from './api.js';
import { hasCode } from './errors.js';
import { listAll } from './pages.js';

export interface PlaceInput {
  country: string;
  prefecture: string;
  city: string;
  timeZone: string;
  latitude?: number;
  longitude?: number;
}
interface Place {
  id: string;
  country: string;
  prefecture: string;
  city: string;
  name: string | null;
}

const CREATE_PLACE = /* GraphQL */ `
  mutation CreatePlace($input: CreatePlaceInput!) {
    createPlace(input: $input) {
      place {
        id
        country
        prefecture
        city
        name
      }
      userErrors {
        code
        message
        field
      }
    }
  }
`;

type Names = Pick<PlaceInput, 'country' | 'prefecture' | 'city'>;
const keyOf = ({ country, prefecture, city }: Names) => JSON.stringify([country, prefecture, city]);

/** The places of one project: those that exist, and those that are created when first asked for. */
export class PlaceBook {
  #ids: Map<string, string> | undefined;
  created = 0;

  constructor(
    readonly client: ShingoClient,
    readonly projectId: string,
  ) {}

  async has(names: Names): Promise<boolean> {
    return (await this.#known()).has(keyOf(names));
  }

  async ensure(place: PlaceInput): Promise<string> {
    const known = await this.#known();
    const id = known.get(keyOf(place));
    if (id) return id;
    try {
      const input = { ...place, projectId: this.projectId };
      const payload = await this.client.mutate<{ place: Place }>(CREATE_PLACE, input);
      known.set(keyOf(place), payload.place.id);
      this.created++;
      return payload.place.id;
    } catch (error) {
      if (!hasCode(error, 'PLACE_EXISTS')) throw error;
      // Someone else created it since we listed them.
      this.#ids = undefined;
      const found = (await this.#known()).get(keyOf(place));
      if (!found) throw error;
      return found;
    }
  }

  async #known(): Promise<Map<string, string>> {
    if (this.#ids) return this.#ids;
    const ids = new Map<string, string>();
    const places = listAll<Place>(this.client, 'places', this.projectId, 'id country prefecture city name');
    // A place with a name of its own is a spot within the city, not the city that a manifest means.
    for await (const place of places) if (!place.name) ids.set(keyOf(place), place.id);
    return (this.#ids = ids);
  }
}
