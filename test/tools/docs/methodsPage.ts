/**
 * @file The part of docs/methods.md that follows from the registry: what each method trains, its keys with their defaults, its
 * marks in files, and how much it trains. It lies between two comments of the page; `npm run docs` writes it.
 */
import type { AnyAdapterMethod } from '../../../kernels/adapters/types';
import type { TargetSite } from '../../../kernels/models/types';
import type { Field, Fields } from '../../../kernels/util/fields';

const BEGIN = '<!-- from the registry: npm run docs -->';
const END = '<!-- end of the registry -->';

/** The page with its part replaced. Throws where the page has no such part. */
export function withMethods(page: string, methods: readonly AnyAdapterMethod[]): string {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`docs/methods.md has no part between "${BEGIN}" and "${END}"`);
  const shared = sharedKeys(methods);
  const sections = methods.map((method) => methodSection(method, shared));
  const common = ['## Keys that several methods have', keyTable(Object.entries(shared))].join('\n\n');
  return `${page.slice(0, from + BEGIN.length)}\n\n${[...sections, common].join('\n\n')}\n\n${page.slice(to)}`;
}

function methodSection(method: AnyAdapterMethod, shared: Fields): string {
  const fields = method.config as Fields;
  const own = Object.entries(fields).filter(([key, field]) => shared[key] !== field);
  const others = Object.keys(fields).filter((key) => shared[key] === fields[key]);
  return [
    `## ${method.label}`,
    `\`method: ${method.id}\` · [paper](${method.paper}) · ${countText(method)}`,
    method.summary,
    ...(own.length > 0 ? [keyTable(own)] : []),
    ...(others.length > 0 ? [`And, described below: ${others.map((key) => `\`${key}\``).join(', ')}.`] : []),
    fileText(method),
  ].join('\n\n');
}

/** Fields that are one object in three methods or more. */
function sharedKeys(methods: readonly AnyAdapterMethod[]): Fields {
  const users = new Map<Field<unknown>, number>();
  for (const { config } of methods) {
    for (const field of Object.values(config as Fields)) users.set(field, (users.get(field) ?? 0) + 1);
  }
  return Object.fromEntries(
    methods
      .flatMap(({ config }) => Object.entries(config as Fields))
      .filter(([, field]) => (users.get(field) ?? 0) > 2),
  );
}

/** The keys of a configuration with their defaults and meanings. */
export function keyTable(fields: readonly (readonly [string, Field<unknown>])[]): string {
  const rows = fields.map(([key, field]) => [`\`${key}\``, defaultText(field), field.expected, helpOf(field)]);
  const lines = [['key', 'default', 'expected', 'meaning'], ['---', '---', '---', '---'], ...rows];
  return lines.map((cells) => `| ${cells.map(escaped).join(' | ')} |`).join('\n');
}

const defaultText = (field: Field<unknown>): string =>
  field.presence === 'default' ? `\`${JSON.stringify(field.default)}\`` : field.presence;

function helpOf({ help, meanings }: Field<unknown>): string {
  const values = Object.entries(meanings ?? {}).map(([value, meaning]) => `\`${value}\`: ${meaning}`);
  return [help, ...values].join(' ');
}

const escaped = (cell: string): string => cell.replaceAll('|', '\\|').replaceAll('\n', ' ');

/** The seven projections of a block of LLaMA-2-7B, out × in. */
const BLOCK = { q_proj: [4096, 4096], k_proj: [4096, 4096], v_proj: [4096, 4096], o_proj: [4096, 4096], gate_proj: [11008, 4096], up_proj: [11008, 4096], down_proj: [4096, 11008] }; // prettier-ignore
const BLOCKS = 32;

/** Trained numbers with all defaults on every projection of LLaMA-2-7B. */
function trainedOfLlama7b(method: AnyAdapterMethod): number {
  const config = defaultsOf(method);
  let count = 0;
  for (const [projection, [outFeatures = 0, inFeatures = 0]] of Object.entries(BLOCK)) {
    const path = `model.layers.0.${projection}`;
    const site: TargetSite = { path, inFeatures, outFeatures, weight: `${path}.weight`, bias: null, layout: 'out-in', layer: 0, projection }; // prettier-ignore
    const specs = Object.values(method.params(site, method.configOf(site, config)));
    for (const { shape, trainable } of specs) if (trainable) count += shape.reduce((n, size) => n * size, 1);
  }
  return BLOCKS * count;
}

export const defaultsOf = ({ config }: AnyAdapterMethod): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(config as Fields).map(([key, field]) => [key, field.default]));

function countText(method: AnyAdapterMethod): string {
  const count = trainedOfLlama7b(method);
  if (count === 0) return 'trains tensors of the base model';
  return `trains ${count.toLocaleString('en')} numbers of LLaMA-2-7B with its defaults`;
}

function fileText(method: AnyAdapterMethod): string {
  const marks = Object.entries(method.peft).map(([key, value]) => `\`${key}: ${JSON.stringify(value)}\``);
  const own = method.ownKeys ? [`an object \`${method.ownKeys.name}\``] : [];
  const parts = [...marks, ...own];
  return parts.length === 0 ? '' : `In \`adapter_config.json\`: ${parts.join(', ')}.`;
}
