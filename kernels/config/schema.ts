/** @file The one JSON schema of `*.adapter.yaml` (draft-07): validation, hovers, form and limits all read this. */
import { choice, toJsonSchema, type Fields, type JsonSchema } from '../util/fields';
import { adapterFields, rootFields, sectionFields, sectionTitles } from './sections';

/** What the configuration needs to know of an adapter method. */
export interface ConfigurableMethod {
  readonly id: string;
  readonly label: string;
  /** What it trains, in a sentence or two: the help of the chosen method. */
  readonly summary: string;
  /** Keys of the `adapter:` section that belong to this method. */
  readonly config: Fields;
}

/** All keys of the adapter section for one method, in the order of the form. */
export function adapterSection(method: ConfigurableMethod, methods: readonly ConfigurableMethod[]): Fields {
  return { method: methodField(methods, method.summary), ...method.config, ...adapterFields };
}

/**
 * Schema of the whole file. The adapter section depends on its `method`: `definitions['adapter.<id>']` is the complete
 * object schema of that section, and an `if`/`then` for each method applies it.
 */
export function buildConfigSchema(methods: readonly ConfigurableMethod[]): JsonSchema {
  const root = toJsonSchema(rootFields);
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Adapter Studio configuration',
    ...root,
    required: [...(root['required'] as string[]), 'data', 'adapter'],
    properties: {
      ...(root['properties'] as object),
      ...Object.fromEntries(
        Object.entries(sectionFields).map(([key, fields]) => [
          key,
          { title: sectionTitles[key as keyof typeof sectionFields], ...toJsonSchema(fields) },
        ]),
      ),
      adapter: {
        title: sectionTitles.adapter,
        type: 'object',
        required: ['method'],
        properties: toJsonSchema({ method: methodField(methods) })['properties'],
        allOf: methods.map(({ id }) => ({
          if: { required: ['method'], properties: { method: { const: id } } },
          then: { $ref: `#/definitions/adapter.${id}` },
        })),
      },
    },
    definitions: Object.fromEntries(
      methods.map((m) => [`adapter.${m.id}`, { title: m.label, ...toJsonSchema(adapterSection(m, methods)) }]),
    ),
  };
}

function methodField(methods: readonly ConfigurableMethod[], help = 'Kind of adapter.') {
  return choice(
    methods.map((m) => m.id),
    {
      label: 'Method',
      help,
      meanings: Object.fromEntries(methods.map((m) => [m.id, m.label])),
      required: true,
    },
  );
}
