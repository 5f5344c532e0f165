/** Reports as the API shows them. */
import { Field, Int, ObjectType } from 'type-graphql';
import { ValidationRule, ValidationSeverity } from './rule.js';
import type { ValidationExample, ValidationReport, ValidationResult } from './report.js';

@ObjectType('ValidationExample')
export class ValidationExampleType implements ValidationExample {
  imageUuid: string | null;

  @Field(() => String, { description: 'What is wrong, in words.' })
  detail: string;
}

@ObjectType('ValidationResult')
class ValidationResultType implements ValidationResult {
  @Field(() => ValidationRule)
  rule: ValidationRule;
  @Field(() => ValidationSeverity)
  severity: ValidationSeverity;
  @Field(() => Int, {
    description: 'Images, boxes or classes that could be judged: an image of unknown size has no edge.',
  })
  checked: number;
  @Field(() => Int)
  failed: number;
  @Field(() => [ValidationExampleType], { description: 'At most 10.' })
  examples: ValidationExampleType[];
}

@ObjectType('ValidationReport', { description: 'What came of judging images by the rules of their project.' })
export class ValidationReportType implements ValidationReport {
  @Field(() => Int)
  checkedImages: number;
  @Field(() => Boolean, { description: 'No rule of severity ERROR has failed.' })
  passed: boolean;
  @Field(() => [ValidationResultType], { description: 'Every rule, in the order of the project.' })
  rules: ValidationResultType[];
}
