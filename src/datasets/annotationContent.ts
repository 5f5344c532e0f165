/**
 * What an annotation says, as SQL: without its id, since a box that was deleted and drawn again says the same, and with its
 * arrows as the set that they are. The data id reads annotations in the same way.
 */
export const contentOf = (box: string): string =>
  `((${box}) - 'id' || jsonb_build_object('arrows', (SELECT coalesce(jsonb_agg(DISTINCT arrow ORDER BY arrow), '[]')
    FROM jsonb_array_elements_text(coalesce((${box}) -> 'arrows', '[]')) arrow)))`;

/** Whether two lists of annotations say different things; an image that nobody has looked at is another than an empty one. */
export const differ = (a: string, b: string): string =>
  `(${a} IS DISTINCT FROM ${b} AND ${contents(a)} IS DISTINCT FROM ${contents(b)})`;

const contents = (list: string) =>
  `CASE WHEN ${list} IS NOT NULL THEN coalesce((SELECT jsonb_agg(said ORDER BY said)
    FROM jsonb_array_elements(${list}) box, LATERAL (SELECT ${contentOf('box')} AS said) one), '[]') END`;
