/** @file Several changes of a configuration by key path as one replacement of its text. */
import { isMap, isScalar, parseDocument, stringify } from 'yaml';
import type { KeyEdit } from '../../kernels/protocol/errors';
import { apply, difference, editConfigText, type KeyPath, type TextReplacement } from './configText';

/** Undefined when nothing changes: what was to be changed is gone. Throws when the text is not valid YAML. */
export function keyEdits(text: string, edits: readonly KeyEdit[]): TextReplacement | undefined {
  let after = text;
  for (const edit of edits) {
    const replacement = edit.kind === 'rename' ? renaming(after, edit.path, edit.key) : changing(after, edit);
    if (replacement) after = apply(after, replacement);
  }
  return after === text ? undefined : difference(text, after);
}

function changing(text: string, edit: Exclude<KeyEdit, { kind: 'rename' }>): TextReplacement | undefined {
  return editConfigText(text, edit.path, edit.kind === 'set' ? edit.value : undefined);
}

/** Only the key: its value, what follows and all comments stay. */
function renaming(text: string, path: KeyPath, key: string): TextReplacement | undefined {
  const document = parseDocument(text);
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (!isMap(parent)) return undefined;
  const pair = parent.items.find((item) => isScalar(item.key) && String(item.key.value) === String(path.at(-1)));
  const range = isScalar(pair?.key) ? pair.key.range : undefined;
  return range ? { start: range[0], end: range[1], text: stringify(key).trimEnd() } : undefined;
}
