import * as vocabulary from '../../../src/catalog/vocabulary.js';
import * as words from '../../../src/datasets/formats/words.js';

test('the plain lists of words are those of the schema', () => {
  expect({ ...words }).toEqual({
    WEATHERS: Object.values(vocabulary.WeatherName),
    TIMES_OF_DAY: Object.values(vocabulary.TimeOfDay),
    SCENES: Object.values(vocabulary.Scene),
    CATEGORIES: Object.values(vocabulary.Category),
    LIGHT_COLORS: Object.values(vocabulary.LightColor),
    LIGHT_ARROWS: Object.values(vocabulary.LightArrow),
    LIGHT_ROLES: Object.values(vocabulary.LightRole),
  });
});
