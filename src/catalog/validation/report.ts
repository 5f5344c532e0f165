/** What came of judging a set of images by rules. Plain JSON: an import keeps it in its checkpoint. */
import { ValidationSeverity, type ValidationRule } from './rule.js';

export const MAX_EXAMPLES = 10;

export interface ValidationExample {
  /** Null: of no image, but of the set. */
  imageUuid: string | null;
  detail: string;
}

export interface ValidationResult {
  rule: ValidationRule;
  severity: ValidationSeverity;
  /** Images, boxes or classes that the rule could judge: a box is not inside or outside of an unknown size. */
  checked: number;
  failed: number;
  /** At most MAX_EXAMPLES. */
  examples: ValidationExample[];
}

export interface ValidationReport {
  checkedImages: number;
  /** No rule of severity ERROR has failed. */
  passed: boolean;
  rules: ValidationResult[];
}

const refuses = ({ severity, failed }: ValidationResult) =>
  severity === ValidationSeverity.ERROR && failed > 0;

export const reportOf = (checkedImages: number, rules: ValidationResult[]): ValidationReport => ({
  checkedImages,
  passed: !rules.some(refuses),
  rules,
});

/** The results that a set is refused for, if it may be. */
export const refusals = ({ rules }: ValidationReport): ValidationResult[] => rules.filter(refuses);

/** As if the sets had been judged together; their images differ. A rule that changed in between stands twice. */
export function mergeReports(reports: readonly ValidationReport[]): ValidationReport {
  const merged = new Map<string, ValidationResult>();
  for (const result of reports.flatMap(({ rules }) => rules)) {
    const key = JSON.stringify(Object.entries(result.rule).sort());
    const sum = merged.get(key) ?? { ...result, checked: 0, failed: 0, examples: [] };
    merged.set(key, {
      ...sum,
      checked: sum.checked + result.checked,
      failed: sum.failed + result.failed,
      examples: [...sum.examples, ...result.examples].slice(0, MAX_EXAMPLES),
    });
  }
  return reportOf(
    reports.reduce((sum, report) => sum + report.checkedImages, 0),
    [...merged.values()],
  );
}
