/** @file Help about adapter methods on the command line, from the objects that the configuration and its form come from. */
import { adapterMethod, adapterMethods } from '../../adapters/registry';
import type { Fields } from '../../util/fields';
import { keyText } from './topicHelp';

/** The methods by id, for the help on everything. */
export function methodList(): string {
  const width = Math.max(...adapterMethods.map(({ id }) => id.length));
  const lines = adapterMethods.map(({ id, label }) => `  ${id.padEnd(width)}  ${label}`);
  return `methods, each with \`adapter-studio help METHOD\`:\n\n${lines.join('\n')}\n`;
}

/** What a method does and costs, and its keys; undefined for a name that is none. */
export function methodHelp(id: string | undefined): string | undefined {
  const method = id === undefined ? undefined : adapterMethod(id);
  if (!method) return undefined;
  const { label, paper, summary } = method;
  const keys = Object.entries(method.config as Fields).map(([key, field]) => keyText(key, field));
  return `${label}, ${paper}\n\n${summary}\n\n${keys.length === 0 ? 'It has no keys of its own.' : `keys:\n\n${keys.join('\n')}`}\n`;
}
