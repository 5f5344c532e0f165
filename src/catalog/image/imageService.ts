import type { DataSource, EntityManager } from 'typeorm';
import { selectOne } from '../../graphql/select.js';
import { ShingoError } from '../../platform/error.js';
import type { Scene, TimeOfDay, WeatherName } from '../vocabulary.js';
import { PERIOD_OF_IMAGE } from '../weather/weatherService.js';
import { Image } from './image.js';
import { instants } from './instants.js';
import { sunAltitude, timeOfDayFromSun } from './sun.js';

/** Undefined: stays. Null: taken away. */
export interface ImageChange {
  fileName?: string;
  recordedAt?: Date | null;
  placeUuid?: string | null;
  latitude?: number | null;
  longitude?: number | null;
  drive?: string | null;
  weather?: WeatherName | null;
  timeOfDay?: TimeOfDay | null;
  scene?: Scene | null;
}

/**
 * Changes what is said of an image and resolves its conditions anew, in one transaction.
 * @throws ShingoError NOT_FOUND, BAD_USER_INPUT
 */
export async function updateImage(db: DataSource, uuid: string, change: ImageChange): Promise<Image> {
  return db.transaction(async (manager) => {
    const seen = await selectOne(manager, Image, uuid);
    if (!seen) throw new ShingoError('NOT_FOUND', 'There is no such image.', 404, ['id']);
    // Project, place, image: the order of everybody. See project/precedence and weatherService.
    await manager.query('/* image.holdPrecedence */ SELECT 1 FROM project WHERE id = $1 FOR KEY SHARE', [
      seen.projectUuid,
    ]);
    const placeUuid = change.placeUuid === undefined ? seen.placeUuid : change.placeUuid;
    const places = await manager.query(
      '/* image.lockPlace */ SELECT latitude, longitude, time_zone FROM place WHERE id = $1 AND project_id = $2 FOR SHARE',
      [placeUuid, seen.projectUuid],
    );
    if (placeUuid !== null && places.length === 0) {
      throw new ShingoError('NOT_FOUND', "There is no such place in the image's project.", 404, ['placeId']);
    }
    // Not FOR UPDATE: that waits for annotations that are being added, and they, in a circle, for it.
    await manager.query('/* image.lock */ SELECT 1 FROM image WHERE id = $1 FOR NO KEY UPDATE', [uuid]);
    const given = Object.fromEntries(
      Object.entries(change).filter(([, value]) => value !== undefined),
    ) as ImageChange;
    const before = (await selectOne(manager, Image, uuid)) as Image;
    // Another request moved it while the locks were waited for: its place must not be taken back.
    if (change.placeUuid === undefined && before.placeUuid !== placeUuid) {
      throw new ShingoError('CONFLICT', 'Another request moved this image; try again.', 409);
    }
    const after = {
      ...{ fileName: before.fileName, recordedAt: before.recordedAt, latitude: before.latitude },
      ...{ longitude: before.longitude, drive: before.drive, weather: before.weatherLabel },
      ...{ timeOfDay: before.timeOfDayLabel, scene: before.sceneLabel },
      ...given,
    };
    // The schema cannot say of an input that it may be missing but not be null.
    if (after.fileName == null)
      throw new ShingoError('BAD_USER_INPUT', 'An image has a file name.', 400, ['fileName']);
    if ((after.latitude == null) !== (after.longitude == null)) {
      throw new ShingoError('BAD_USER_INPUT', 'Give latitude and longitude together.', 400, ['latitude']);
    }
    // A wall-clock time is by the clock of the place: another place, another instant.
    const local = change.recordedAt === undefined && placeUuid !== null ? await localOf(manager, uuid) : null;
    if (local !== null)
      [after.recordedAt] = (await instants(manager, [{ local, zone: places[0].time_zone }])) as [Date];
    const latitude = after.latitude ?? places[0]?.latitude;
    const longitude = after.longitude ?? places[0]?.longitude;
    const sun =
      after.recordedAt && latitude != null ? sunAltitude(after.recordedAt, latitude, longitude) : null;
    await manager.query(
      `/* image.update */ UPDATE image SET file_name = $2, recorded_at = $3, place_id = $4, latitude = $5, longitude = $6,
         recorded_local = $13,
         drive = $7, weather_label = $8, time_of_day_label = $9, scene_label = $10, sun_altitude = $11,
         time_of_day_derived = $12 WHERE id = $1`,
      [
        uuid,
        after.fileName,
        after.recordedAt,
        placeUuid,
        after.latitude,
        after.longitude,
        after.drive,
        after.weather,
        after.timeOfDay,
        after.scene,
        sun,
        sun === null ? null : timeOfDayFromSun(sun),
        // A time that is given now is no longer the wall clock's; without a place there is no clock.
        local,
      ],
    );
    await manager.query(
      `/* image.period */ UPDATE image i SET weather_period = ${PERIOD_OF_IMAGE} WHERE i.id = $1`,
      [uuid],
    );
    return (await selectOne(manager, Image, uuid)) as Image;
  });
}

/** The time of the wall clock, if the image's was given by it. */
async function localOf(manager: EntityManager, uuid: string): Promise<string | null> {
  const [row] = await manager.query(
    '/* image.local */ SELECT recorded_local::text AS local FROM image WHERE id = $1',
    [uuid],
  );
  return row.local as string | null;
}
