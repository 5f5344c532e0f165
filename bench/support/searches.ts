/** Filters of images as the API takes them, and each as one would write it by hand, for the answers to be compared. */
import type { Where } from '../../src/graphql/list/where.js';

const box = (condition: string) =>
  `EXISTS (SELECT FROM annotation a WHERE a.image_id = t.id AND ${condition})`;
const place = (condition: string) => `EXISTS (SELECT FROM place p WHERE p.id = t.place_id AND ${condition})`;
const distance = `2 * 6371.0088 * asin(sqrt(sin(radians(t.latitude - 35) / 2) ^ 2
  + cos(radians(35)) * cos(radians(t.latitude)) * sin(radians(t.longitude - 139) / 2) ^ 2))`;
const near = (km: number): [Where, string] => [
  { location: { withinKm: { latitude: 35, longitude: 139, km } } },
  `${distance} <= ${km}`,
];
const word = (text: string) =>
  `(t.file_name ILIKE '%${text}%' OR ${place(`concat_ws(' ', country, prefecture, city, name) ILIKE '%${text}%'`)})`;

export const SEARCHES: Record<string, [where: Where, sql: string]> = {
  rain: [{ weather: { eq: 'RAIN' } }, "t.weather = 'RAIN'"],
  'rain by night (condition)': [
    { condition: 'night', weather: { eq: 'RAIN' } },
    "t.weather = 'RAIN' AND t.time_of_day = 'NIGHT'",
  ],
  'fog, 1 in 500': [{ weather: { eq: 'FOG' } }, "t.weather = 'FOG'"],
  'a city': [{ place: { city: { eq: 'City 7' } } }, place("p.city = 'City 7'")],
  'a drive': [{ drive: { eq: 'drive-100' } }, "t.drive = 'drive-100'"],
  'a day': [
    { recordedAt: { gte: '2022-03-01T00:00:00Z', lt: '2022-03-02T00:00:00Z' } },
    "t.recorded_at >= '2022-03-01T00:00Z' AND t.recorded_at < '2022-03-02T00:00Z'",
  ],
  'a year': [
    { recordedAt: { gte: '2023-01-01T00:00:00Z', lt: '2024-01-01T00:00:00Z' } },
    "t.recorded_at >= '2023-01-01T00:00Z' AND t.recorded_at < '2024-01-01T00:00Z'",
  ],
  'two lights': [{ trafficLights: { gte: 2 } }, 't.traffic_lights >= 2'],
  'fifteen lights': [{ trafficLights: { gte: 15 } }, 't.traffic_lights >= 15'],
  'small red lights': [
    { annotations: { some: { color: { eq: 'RED' }, width: { lt: 16 } } } },
    box("a.color = 'RED' AND a.width < 16"),
  ],
  'tiny lights that are off': [
    { annotations: { some: { color: { eq: 'OFF' }, width: { lt: 4.05 } } } },
    box("a.color = 'OFF' AND a.width < 4.05"),
  ],
  'no red light': [
    { not: { annotations: { some: { color: { eq: 'RED' } } } } },
    `NOT ${box("a.color = 'RED'")}`,
  ],
  'cars at the left edge': [
    { annotations: { some: { category: { eq: 'CAR' }, x: { lt: 2 } } } },
    box("a.category = 'CAR' AND a.x < 2"),
  ],
  'a frequent word': [{ search: 'DRIVE' }, word('drive')],
  'a rare word': [{ search: '-1234/' }, word('-1234/')],
  'an absent word': [{ search: 'zebra' }, word('zebra')],
  'two letters that are absent': [{ search: '札幌' }, word('札幌')],
  'words of place and file': [{ search: 'germany 0001' }, `${word('germany')} AND ${word('0001')}`],
  'within 5 km': near(5),
  'within 500 km': near(500),
  'a box': [
    { location: { withinBox: { south: 35, north: 35.2, west: 139, east: 139.3 } } },
    't.latitude BETWEEN 35 AND 35.2 AND t.longitude BETWEEN 139 AND 139.3',
  ],
  'not in a city street or missing': [
    { not: { scene: { eq: 'CITY_STREET' } } },
    "(t.scene = 'CITY_STREET') IS NOT TRUE",
  ],
  'fog or a word or near': [
    { or: [{ weather: { eq: 'FOG' } }, { search: 'zebra' }, near(5)[0]] },
    `(t.weather = 'FOG' OR ${word('zebra')} OR ${near(5)[1]})`,
  ],
};
