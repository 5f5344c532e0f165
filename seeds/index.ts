/** The demo data set: rendered road scenes with true boxes, and the places and weather that go with them. */
export { renderDemo, DEMO_IMAGES, type DemoOptions } from './demo.js';
export { demoPlaces, demoWeather, type DemoPlace, type DemoWeather } from './places.js';
export type { ManifestBox, ManifestRow } from './manifest.js';
