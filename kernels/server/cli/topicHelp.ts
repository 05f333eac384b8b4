/** @file Help about sections and keys of the configuration on the command line, from the fields that the schema is made of. */
import { adapterMethods } from '../../adapters/registry';
import { fieldTable, SECTIONS } from '../../config/fieldTable';
import { placeOfValue } from '../../config/knownWords';
import { likely } from '../../config/nearest';
import { rootFields, sectionTitles } from '../../config/sections';
import type { Field, Fields } from '../../util/fields';

/** A key of the configuration, with the methods under which it is described so; none: under all. */
interface Described {
  readonly section: string;
  readonly key: string;
  readonly field: Field<unknown>;
  readonly methods: readonly string[];
}

/** Every key of every section; a key that methods describe in several ways is there several times. */
function allKeys(): readonly Described[] {
  const common = fieldTable({}, adapterMethods);
  const shared = Object.entries(common).flatMap(([section, fields]) =>
    Object.entries(fields).map(([key, field]): Described => ({ section, key, field, methods: [] })),
  );
  const ways = new Map<string, { key: string; field: Field<unknown>; methods: string[] }>();
  for (const { id, config } of adapterMethods) {
    for (const [key, field] of Object.entries(config as Fields)) {
      const text = keyText(key, field);
      const way = ways.get(text) ?? { key, field, methods: [] };
      way.methods.push(id);
      ways.set(text, way);
    }
  }
  const ofMethods = [...ways.values()].map((way): Described => ({ section: 'adapter', ...way }));
  return [...shared, ...ofMethods];
}

/** A section, a key (`adapter.r` or `r`), or a word that is written otherwise here; undefined for what is none of them. */
export function topicHelp(topic: string): string | undefined {
  const section = SECTIONS.find((name) => name === topic);
  const keys = allKeys();
  if (section !== undefined) return sectionText(section, keys);
  const [first = '', ...rest] = topic.split('.');
  const found = keys.filter(({ section: own, key }) =>
    rest.length === 0 ? key === first : own === first && key === rest.join('.'),
  );
  if (found.length > 0) return found.map(describedText).join('\n');
  const place = placeOfValue(['adapter', 'method'], topic, adapterMethods);
  return place && `${place.sentence}\n`;
}

/** Names that `topicHelp` knows and that are like `topic`. */
export function similarTopic(topic: string, others: readonly string[]): string | undefined {
  const names = allKeys().map(({ section, key }) => (section === '' ? key : `${section}.${key}`));
  const short = topic.includes('.') ? [] : allKeys().map(({ key }) => key);
  return likely(topic, [...new Set([...others, ...SECTIONS, ...short, ...names])]);
}

/** A key with what it takes, its default and its help; of a choice also what each value means. */
export function keyText(key: string, field: Field<unknown>): string {
  const { expected, help, meanings = {}, unit } = field;
  const width = Math.max(0, ...Object.keys(meanings).map((value) => value.length));
  const values = Object.entries(meanings).map(([value, meaning]) => `\n        ${value.padEnd(width)}  ${meaning}`);
  return `  ${key}: ${expected}${unit === undefined ? '' : `, in ${unit}`}${standard(field)}\n      ${help}${values.join('')}`;
}

function sectionText(section: (typeof SECTIONS)[number], keys: readonly Described[]): string {
  const own = keys.filter((k) => k.section === section && k.methods.length === 0);
  const methods =
    section === 'adapter'
      ? `\n\nFurther keys depend on the method: adapter-studio help METHOD, for ${adapterMethods.map(({ id }) => id).join(', ')}.`
      : '';
  const lines = own.map(({ key, field }) => keyText(key, field)).join('\n');
  return `${sectionTitles[section]}: the section \`${section}:\` of the configuration\n\n${lines}${methods}\n`;
}

function describedText({ section, key, field, methods }: Described): string {
  const place = section === '' ? 'at the top level of the configuration' : `in the section \`${section}:\``;
  const only = methods.length === 0 || methods.length === adapterMethods.length ? '' : `, with ${methods.join(', ')}`;
  return `${field.label}, ${place}${only}\n\n${keyText(key, field)}\n`;
}

const standard = ({ default: value, presence }: Field<unknown>): string => {
  if (presence === 'required') return ' (must be written)';
  return value === undefined ? '' : ` (default ${typeof value === 'string' ? value : JSON.stringify(value)})`;
};

/** Keys of the top level and sections, for the help on everything. */
export const topicList = (): string =>
  `sections and keys of a configuration, each with \`adapter-studio help SECTION\` or \`help SECTION.KEY\`:\n\n  ${[
    ...Object.keys(rootFields),
    ...SECTIONS,
  ].join(', ')}\n`;
