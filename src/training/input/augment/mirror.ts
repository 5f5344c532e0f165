/**
 * What a mirror makes of a label. An arrow to the left becomes one to the right, so a class that names a side becomes
 * the class that names the other; where there is none, its pictures must not be mirrored.
 */

/** Spellings run together (GreenLeft, red_left_diagonal, DIAGONAL_LEFT): the side is looked for in any of them. */
const SIDES = /left|right/gi;

/** For each class the index of the class that its mirror image belongs to; null: mirror it not. */
export function mirroredLabels(classes: readonly string[]): (number | null)[] {
  return classes.map((name) => {
    const index = classes.indexOf(name.replace(SIDES, otherSide));
    return index < 0 ? null : index;
  });
}

function otherSide(side: string): string {
  const other = side.toLowerCase() === 'left' ? 'right' : 'left';
  if (side === side.toUpperCase()) return other.toUpperCase();
  return side.startsWith(side[0]!.toUpperCase()) ? other[0]!.toUpperCase() + other.slice(1) : other;
}
