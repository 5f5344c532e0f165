/** The words of the domain as plain lists, for whoever must not load the schema: they are those of catalog/vocabulary. */
export const WEATHERS = ['CLEAR', 'PARTLY_CLOUDY', 'OVERCAST', 'RAIN', 'SNOW', 'FOG', 'UNDEFINED'] as const;
export const TIMES_OF_DAY = ['DAY', 'DAWN_DUSK', 'NIGHT', 'UNDEFINED'] as const;
export const SCENES = [
  'CITY_STREET',
  'RESIDENTIAL',
  'HIGHWAY',
  'TUNNEL',
  'PARKING_LOT',
  'GAS_STATION',
  'UNDEFINED',
] as const;
export const CATEGORIES = [
  'PERSON',
  'RIDER',
  'CAR',
  'TRUCK',
  'BUS',
  'TRAIN',
  'MOTORCYCLE',
  'BICYCLE',
  'TRAFFIC_LIGHT',
  'TRAFFIC_SIGN',
  'OTHER',
] as const;
export const LIGHT_COLORS = ['RED', 'YELLOW', 'GREEN', 'OFF', 'UNKNOWN'] as const;
export const LIGHT_ARROWS = ['LEFT', 'STRAIGHT', 'RIGHT', 'DIAGONAL_LEFT', 'DIAGONAL_RIGHT'] as const;
export const LIGHT_ROLES = ['VEHICLE', 'PEDESTRIAN', 'COUNTDOWN'] as const;
