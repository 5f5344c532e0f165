/** The words of the catalog as BDD100K spells them. */
import type { Category, Scene, TimeOfDay, WeatherName } from '../../../catalog/vocabulary.js';
import type { Frame } from '../frame.js';

export const WEATHER: Record<`${WeatherName}`, string> = {
  CLEAR: 'clear',
  PARTLY_CLOUDY: 'partly cloudy',
  OVERCAST: 'overcast',
  RAIN: 'rainy',
  SNOW: 'snowy',
  FOG: 'foggy',
  UNDEFINED: 'undefined',
};
export const TIME_OF_DAY: Record<`${TimeOfDay}`, string> = {
  DAY: 'daytime',
  DAWN_DUSK: 'dawn/dusk',
  NIGHT: 'night',
  UNDEFINED: 'undefined',
};
export const SCENE: Record<`${Scene}`, string> = {
  CITY_STREET: 'city street',
  RESIDENTIAL: 'residential',
  HIGHWAY: 'highway',
  TUNNEL: 'tunnel',
  PARKING_LOT: 'parking lot',
  GAS_STATION: 'gas stations',
  UNDEFINED: 'undefined',
};
export const CATEGORY: Record<`${Category}`, string> = {
  PERSON: 'pedestrian',
  RIDER: 'rider',
  CAR: 'car',
  TRUCK: 'truck',
  BUS: 'bus',
  TRAIN: 'train',
  MOTORCYCLE: 'motorcycle',
  BICYCLE: 'bicycle',
  TRAFFIC_LIGHT: 'traffic light',
  TRAFFIC_SIGN: 'traffic sign',
  OTHER: 'other',
};

/** `undefined` is a word of the format (someone looked and could not say); what nobody looked at is left out. */
export const attributesOf = ({ weather, timeOfDay, scene }: Frame) => ({
  weather: weather ? WEATHER[weather] : undefined,
  timeofday: timeOfDay ? TIME_OF_DAY[timeOfDay] : undefined,
  scene: scene ? SCENE[scene] : undefined,
});
