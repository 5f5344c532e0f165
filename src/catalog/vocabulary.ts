/** The words of the domain: enumerations shared by several nouns. Names as in BDD100K, spelled for GraphQL. */
import { registerEnumType } from 'type-graphql';

/** UNDEFINED: someone looked and could not say. Null: nobody looked. */
export enum WeatherName {
  CLEAR = 'CLEAR',
  PARTLY_CLOUDY = 'PARTLY_CLOUDY',
  OVERCAST = 'OVERCAST',
  RAIN = 'RAIN',
  SNOW = 'SNOW',
  FOG = 'FOG',
  UNDEFINED = 'UNDEFINED',
}
export enum TimeOfDay {
  DAY = 'DAY',
  DAWN_DUSK = 'DAWN_DUSK',
  NIGHT = 'NIGHT',
  UNDEFINED = 'UNDEFINED',
}
export enum Scene {
  CITY_STREET = 'CITY_STREET',
  RESIDENTIAL = 'RESIDENTIAL',
  HIGHWAY = 'HIGHWAY',
  TUNNEL = 'TUNNEL',
  PARKING_LOT = 'PARKING_LOT',
  GAS_STATION = 'GAS_STATION',
  UNDEFINED = 'UNDEFINED',
}
export enum ConditionSource {
  LABEL = 'LABEL',
  PERIOD = 'PERIOD',
  SENSOR = 'SENSOR',
  DERIVED = 'DERIVED',
}
export enum Category {
  PERSON = 'PERSON',
  RIDER = 'RIDER',
  CAR = 'CAR',
  TRUCK = 'TRUCK',
  BUS = 'BUS',
  TRAIN = 'TRAIN',
  MOTORCYCLE = 'MOTORCYCLE',
  BICYCLE = 'BICYCLE',
  TRAFFIC_LIGHT = 'TRAFFIC_LIGHT',
  TRAFFIC_SIGN = 'TRAFFIC_SIGN',
  OTHER = 'OTHER',
}
export enum LightColor {
  RED = 'RED',
  YELLOW = 'YELLOW',
  GREEN = 'GREEN',
  OFF = 'OFF',
  UNKNOWN = 'UNKNOWN',
}
export enum LightArrow {
  LEFT = 'LEFT',
  STRAIGHT = 'STRAIGHT',
  RIGHT = 'RIGHT',
  DIAGONAL_LEFT = 'DIAGONAL_LEFT',
  DIAGONAL_RIGHT = 'DIAGONAL_RIGHT',
}
export enum LightRole {
  VEHICLE = 'VEHICLE',
  PEDESTRIAN = 'PEDESTRIAN',
  COUNTDOWN = 'COUNTDOWN',
}
export enum AnnotationSource {
  LABEL = 'LABEL',
  MODEL = 'MODEL',
}
export enum Split {
  TRAIN = 'TRAIN',
  VALIDATION = 'VALIDATION',
  TEST = 'TEST',
}
/** What is learnt and evaluated. */
export enum LearningTask {
  LIGHT_STATE = 'LIGHT_STATE',
  LIGHT_DETECTION = 'LIGHT_DETECTION',
}

registerEnumType(WeatherName, { name: 'WeatherName' });
registerEnumType(TimeOfDay, { name: 'TimeOfDay' });
registerEnumType(Scene, { name: 'Scene' });
registerEnumType(ConditionSource, {
  name: 'ConditionSource',
  description: 'Where a value comes from: a person, the weather period of the place, the pixels, the sun.',
});
registerEnumType(Category, { name: 'Category' });
registerEnumType(LightColor, { name: 'LightColor' });
registerEnumType(LightArrow, { name: 'LightArrow' });
registerEnumType(LightRole, { name: 'LightRole' });
registerEnumType(AnnotationSource, { name: 'AnnotationSource' });
registerEnumType(Split, { name: 'Split' });
registerEnumType(LearningTask, {
  name: 'LearningTask',
  valuesConfig: {
    LIGHT_STATE: { description: 'The colour of a light that has been cut out.' },
    LIGHT_DETECTION: { description: 'Lights in a whole picture, each with its colour.' },
  },
});
