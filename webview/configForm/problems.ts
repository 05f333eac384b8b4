/** @file Which problems of the document belong to which field. */
import type { Problem } from '../../kernels/protocol/errors';
import type { FormField, FormSection } from './schemaForm';

/** `where` of a problem as keys: dots between them, list positions as numbers or in brackets. */
function keyOf(path: FormField['path']): string {
  return path.join('.');
}

export function problemsOf(field: FormField, problems: readonly Problem[]): readonly Problem[] {
  const key = keyOf(field.path);
  return problems.filter(({ where }) => where === key || where?.startsWith(`${key}.`) || where?.startsWith(`${key}[`));
}

/** What belongs to no field of the form: broken YAML, unknown keys, the document as a whole. */
export function problemsElsewhere(sections: readonly FormSection[], problems: readonly Problem[]): readonly Problem[] {
  const fields = sections.flatMap(({ groups }) => groups.flatMap((group) => group.fields));
  const shown = new Set(fields.flatMap((field) => problemsOf(field, problems)));
  return problems.filter((problem) => !shown.has(problem));
}

/** "Found the number 0; expected an integer of at least 1." */
export function problemText({ found, expected }: Problem): string {
  const sentence = `${found}; ${expected}`;
  const end = /[.!?]$/.test(sentence) ? '' : '.';
  return `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}${end}`;
}
