/** The figures that rules ask for, read from the evaluations' cells in one statement. */
import type { DataSource, EntityManager } from 'typeorm';
import type { RuleSubject } from './subject.js';

export interface Figure {
  condition: string | null;
  value: number | null;
  n: number;
  lower: number | null;
  upper: number | null;
  method: string;
}

/**
 * Per subject the figure that its rule names, or one a condition; empty where the evaluation has none. Of a condition
 * that was evaluated anew under a later version the newest counts.
 */
export async function figuresOf(
  db: DataSource | EntityManager,
  subjects: readonly RuleSubject[],
): Promise<Figure[][]> {
  if (subjects.length === 0) return [];
  const wanted = subjects.map(({ rule, evaluationUuid }, place) => ({
    ...{ place, evaluation: evaluationUuid, metric: rule.metric, class: rule.class },
    ...{ condition: rule.condition, every: rule.everyCondition, bin: rule.sizeBin },
  }));
  const rows: (Figure & { place: number })[] = await db.query(
    `/* gate.figures */ SELECT DISTINCT ON (w.place, c.condition)
       w.place, c.condition, c.value, c.n, c.lower, c.upper, c.method
     FROM json_to_recordset($1::json) AS w (place int, evaluation uuid, metric text, class text, condition text,
       every boolean, bin smallint)
     JOIN evaluation_cell c ON c.evaluation_id = w.evaluation AND c.metric = w.metric
       AND c.class IS NOT DISTINCT FROM w.class AND c.size_bin IS NOT DISTINCT FROM w.bin
       AND (w.every OR c.condition IS NOT DISTINCT FROM w.condition)
     ORDER BY w.place, c.condition NULLS FIRST, c.condition_version DESC NULLS LAST`,
    [JSON.stringify(wanted)],
  );
  const found = Map.groupBy(rows, ({ place }) => place);
  return subjects.map((_, place) => found.get(place) ?? []);
}
