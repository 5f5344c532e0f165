/** The rows that rules judge: of the catalog as it is, or of a data set version as it was frozen. */
import type { Parameters } from '../../graphql/list/where.js';

/** One SELECT each; a column that no rule looks at costs nothing, since the planner drops the join behind it. */
export interface Source {
  /** image_id, split, recorded_at, place_id, latitude, longitude, width, height, sha256, drive, labelled, brightness, darkness, conflict */
  images: string;
  /** A person's: rules judge labels, not what a model found. image_id, split, image_width, image_height, category, color, x, y, width, height */
  boxes: string;
}

/**
 * @param chosen a condition on image `t`
 * @param chosenBoxes one on annotation `a`, of the same images: or a batch of 1,000 would read the boxes of all
 */
export function catalogImages(
  projectUuid: string,
  chosen: string,
  parameters: Parameters,
  chosenBoxes = 'true',
): Source {
  const where = `t.project_id = ${parameters.add(projectUuid, 'uuid')} AND ${chosen}`;
  return {
    images: `SELECT t.id AS image_id, NULL::text AS split, t.recorded_at, t.place_id, t.latitude, t.longitude, t.width, t.height,
         t.sha256, t.drive, (t.counts_source = 'LABEL') IS TRUE AS labelled, t.brightness, t.darkness_sensor AS darkness,
         greatest(t.weather_conflict, t.time_of_day_conflict) AS conflict
       FROM image t WHERE ${where}`,
    boxes: `SELECT t.id AS image_id, NULL::text AS split, t.width AS image_width, t.height AS image_height, a.category, a.color,
         a.x, a.y, a.width, a.height
       FROM image t JOIN annotation a ON a.image_id = t.id AND a.source = 'LABEL' WHERE ${where} AND ${chosenBoxes}`,
  };
}

/**
 * Size and light are the picture's, which never change; what a picture that is not here had to say of its size, the
 * image says. How far its sources disagree is not frozen: it is the image's as it is now, and not judged once that is gone.
 */
export function versionItems(versionUuid: string, parameters: Parameters): Source {
  const from = `dataset_item d LEFT JOIN picture p ON p.sha256 = d.sha256 LEFT JOIN image i ON i.id = d.image_id`;
  const where = `d.version_id = ${parameters.add(versionUuid, 'uuid')}`;
  const [width, height] = ['coalesce(p.width, i.width)', 'coalesce(p.height, i.height)'];
  return {
    images: `SELECT d.image_id, d.split, d.recorded_at, d.place_id, d.latitude, d.longitude, ${width} AS width, ${height} AS height,
         d.sha256, d.drive, d.annotations IS NOT NULL AS labelled, p.brightness, p.darkness,
         greatest(i.weather_conflict, i.time_of_day_conflict) AS conflict
       FROM ${from} WHERE ${where}`,
    boxes: `SELECT d.image_id, d.split, ${width} AS image_width, ${height} AS image_height, a.category, a.color,
         a.x, a.y, a.width, a.height
       FROM ${from}, jsonb_to_recordset(d.annotations)
         AS a(category text, color text, x float8, y float8, width float8, height float8) WHERE ${where}`,
  };
}
