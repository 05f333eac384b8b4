/**
 * @file `model.safetensors.index.json`: which shard of a checkpoint holds which tensor. The file comes from elsewhere, so a
 * shard must be a safetensors file inside the folder.
 */
import * as l10n from '@vscode/l10n';
import { KernelError, type Problem } from '../protocol/errors';
import { readJsonObject } from './jsonFile';
import { describeJson, jsonValue } from './jsonTree';

export interface CheckpointIndex {
  /** Tensor name → file name, relative to the folder, with forward slashes. */
  readonly weightMap: ReadonlyMap<string, string>;
  /** Everything else that was said about the weights, such as `total_size`. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** Throws `format/invalid` with all entries that are wrong. */
export function readCheckpointIndex(file: string): CheckpointIndex {
  const { node } = readJsonObject(file, l10n.t('expected the index of a sharded checkpoint'));
  const problems: Problem[] = [];
  const add = (where: string, found: string, expected: string): void =>
    void problems.push({ file, where, severity: 'error', found, expected });

  const weightMap = new Map<string, string>();
  const entries = node.members.get('weight_map');
  if (entries?.kind !== 'object') {
    add(
      'weight_map',
      entries ? describeJson(entries) : l10n.t('it is missing'),
      l10n.t('expected an object: tensor name → file name'),
    );
  } else {
    for (const [name, value] of entries.members) {
      if (value.kind !== 'string') add(name, describeJson(value), l10n.t('expected a file name'));
      else {
        const reason = refusalOfShardName(value.value);
        if (reason)
          add(
            name,
            l10n.t('its file is {0}, {1}', describeJson(value), reason),
            l10n.t('expected a safetensors file of this folder'),
          );
        else weightMap.set(name, value.value);
      }
    }
  }
  const metadata = node.members.get('metadata');
  if (metadata && metadata.kind !== 'object') add('metadata', describeJson(metadata), l10n.t('expected an object'));
  if (problems.length > 0) throw KernelError.invalid(grouped(problems));
  return { weightMap, metadata: (metadata ? jsonValue(metadata) : {}) as Readonly<Record<string, unknown>> };
}

/** One cause makes every entry wrong: what several have in common is said once, at the first. */
function grouped(problems: readonly Problem[]): readonly Problem[] {
  const groups = new Map<string, { readonly first: Problem; count: number }>();
  for (const problem of problems) {
    const group = groups.get(problem.found);
    if (group) group.count++;
    else groups.set(problem.found, { first: problem, count: 1 });
  }
  return [...groups.values()].map(({ first, count }) =>
    count === 1 ? first : { ...first, found: l10n.t('{0}, as in {1} entries', first.found, count) },
  );
}

/** Both systems' notions of an absolute path and of a separator count, whatever machine reads the file. */
function refusalOfShardName(name: string): string | undefined {
  if (/^[/\\]|^[A-Za-z]:/.test(name)) return l10n.t('an absolute path');
  if (name.split(/[/\\]/).includes('..')) return l10n.t('which leaves the folder');
  if (/[\p{Cc}\\]/u.test(name)) return l10n.t('which is no portable file name');
  if (!name.endsWith('.safetensors')) return l10n.t('another format (pickle files run code when read)');
  return undefined;
}
