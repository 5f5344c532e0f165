/** Something wrong with what the user gave, and where it stands. */
export interface Problem {
  /** `manifest.csv:17`, or the picture's path where there is no manifest. */
  where: string;
  /** `weather`, `boxes[0].width`; absent when it is not about one column. */
  column?: string;
  message: string;
}

/** After this many, more of the same would hide the first. */
export const MAX_PROBLEMS = 20;

export class ImportError extends Error {
  override readonly name = 'ImportError';

  constructor(
    readonly problems: Problem[],
    cut = false,
  ) {
    const lines = problems.map(formatProblem);
    if (cut) lines.push(`… stopped after ${problems.length} problems; there may be more`);
    super(lines.join('\n'));
  }
}

export function formatProblem({ where, column, message }: Problem): string {
  return `${where}: ${column ? `column ${column}: ` : ''}${message}`;
}

/** Collects problems; readers and checks report into it, and whoever drives them asks whether to go on. */
export class Problems {
  readonly list: Problem[] = [];

  add = (problem: Problem): void => {
    if (!this.full) this.list.push(problem);
  };

  get full(): boolean {
    return this.list.length >= MAX_PROBLEMS;
  }

  throwIfAny(): void {
    if (this.list.length > 0) throw new ImportError(this.list, this.full);
  }
}

/** A value as it is shown in a message: quoted, and never a screenful. */
export function show(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
