/** Search by words, as one types them into a search box. */
import { special, type SpecialContext } from '../../../graphql/list/fields.js';
import { ShingoError } from '../../../platform/error.js';

/** Each is a look-up in an index of its own. */
const MAX_WORDS = 10;
const MAX_LENGTH = 200;

/** `%` and `_` are characters here. */
const literally = (word: string) => `%${word.replaceAll(/[\\%_]/g, '\\$&')}%`;

/**
 * The index is by three letters in a row. Without them in the word PostgreSQL would read all of the index and then all
 * names (1.4 s); an expression that the index does not have makes it read the names at once (0.4 s).
 */
const indexed = (text: string, word: string) => (/[\p{L}\p{N}]{3}/u.test(word) ? text : `(${text} || '')`);

/**
 * A place's names as one text: newlines keep a word from running over two of them. The index place_search is on this
 * expression.
 */
const PLACE_NAMES =
  "search_folded(s.country || E'\\n' || s.prefecture || E'\\n' || s.city || E'\\n' || s.name)";

/** @throws ShingoError FILTER_INVALID */
function compile(value: unknown, { parameters, alias, spend }: SpecialContext): string {
  const text = String(value);
  const words = text
    .normalize('NFKC')
    .split(/\s+/)
    .filter((word) => word !== '');
  if (words.length > MAX_WORDS || text.length > MAX_LENGTH) {
    throw new ShingoError(
      'FILTER_INVALID',
      `search takes up to ${MAX_WORDS} words and ${MAX_LENGTH} characters; leave some out.`,
    );
  }
  const terms = words.map((word) => {
    spend();
    const pattern = `search_folded(${parameters.add(literally(word), 'text')})`;
    // Not correlated, so that the places are found once and their images by an index.
    const places = `ARRAY(SELECT s.id FROM place s WHERE ${indexed(PLACE_NAMES, word)} LIKE ${pattern})`;
    return `(${indexed(`search_folded(${alias}.file_name)`, word)} LIKE ${pattern} OR ${alias}.place_id = ANY(${places}))`;
  });
  return terms.length === 0 ? 'true' : `(${terms.join(' AND ')})`;
}

export const words = special({
  type: () => String,
  description: `Words, each of which must occur in the file name or in a name of the place (country, prefecture, city, name), in capitals or small letters, full or half width. At most ${MAX_WORDS} words; none hold of every image.`,
  compile,
});
