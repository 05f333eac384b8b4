/** @file What is known about the key, value or module name under the pointer. */
import * as l10n from '@vscode/l10n';
import path from 'node:path';
import type { AdapterPlan } from '../adapters/plan';
import { adapterMethod, adapterMethods } from '../adapters/registry';
import { matchesModules, pattern } from '../adapters/targets';
import { fieldText } from '../config/localizeSchema';
import { fieldAt, SECTIONS } from '../config/fieldTable';
import { loadConfig, type ResolvedConfig } from '../config/loadConfig';
import { sectionTitles } from '../config/sections';
import { valueAt } from '../config/values';
import { YamlSource, type KeyPath, type NodePlace } from '../config/yamlSource';
import type { ModelHeader } from '../models/modelHeader';
import type { TargetSite } from '../models/types';
import type { ConfigHover, KeyFacts, MatchFacts, ModuleFacts } from '../protocol/calls/config';
import { KernelError } from '../protocol/errors';
import { planFor } from '../trainer/prepare';
import type { Field } from '../util/fields';
import { moduleUpdates } from './adapterUpdates';
import { keyFacts, languageContext, type LanguageContext } from './context';
import { latestAdapter } from './latestAdapter';
import { commonShape } from './moduleNames';
import { modelSentence } from './modelSentence';

export interface HoverRequest {
  readonly path: string;
  readonly text: string;
  readonly offset: number;
}

/** `undefined` where there is nothing to say. Never throws for what is in the text. */
export function hover({ path: file, text, offset }: HoverRequest): ConfigHover | undefined {
  const place = new YamlSource(file, text).nodeAt(offset);
  if (!place) return undefined;
  const context = languageContext(file, text);
  const about = place.isKey ? aboutKey(place, context) : aboutValue(place, context);
  const modules = aboutModules(place, context, text);
  if (!about && !modules) return undefined;
  return { span: { start: place.start, end: place.end }, ...about, ...modules };
}

function aboutKey({ path: at }: NodePlace, { table }: LanguageContext): { key: KeyFacts } | undefined {
  const section = at.length === 1 ? SECTIONS.find((name) => name === at[0]) : undefined;
  if (section) {
    const keys = Object.keys(table[section] ?? {}).map((key) => `\`${key}\``);
    const help = l10n.t('Keys: {0}.', keys.join(', '));
    const presence = section === 'data' || section === 'adapter' ? 'required' : 'optional';
    return { key: { path: section, title: fieldText(sectionTitles[section]), help, presence } };
  }
  const found = fieldAt(at, table);
  // The keys inside a pattern mapping are names of modules.
  return found && found.owner === at.join('.') ? { key: keyFacts(at, found.top) } : undefined;
}

function aboutValue(
  { path: at }: NodePlace,
  context: LanguageContext,
): { key?: KeyFacts; meaning?: string } | undefined {
  const found = fieldAt(at, context.table);
  if (!found) return undefined;
  const value = valueAt(context.values, at);
  const meaning = meaningOf(at, value, found.field, context);
  return { key: keyFacts(found.owner.split('.'), found.top), ...(meaning !== undefined && { meaning }) };
}

function meaningOf(at: KeyPath, value: unknown, field: Field<unknown>, context: LanguageContext): string | undefined {
  if (at.join('.') === 'model') {
    const model = context.model();
    return model && modelSentence(model);
  }
  if (at.join('.') === 'adapter.method') {
    const method = adapterMethods.find(({ id }) => id === value);
    return (
      method &&
      `${fieldText(method.label)}. ${fieldText(method.summary)} [${method.paper.replace(/^https?:\/\//, '')}](${method.paper})`
    );
  }
  const choices = [field, ...field.parts].find(({ meanings }) => meanings && Object.hasOwn(meanings, String(value)));
  const meaning = choices?.meanings?.[String(value)];
  return meaning === undefined ? undefined : fieldText(meaning);
}

/** Keys whose entries name linear layers: those of a list as in `target_modules`, or the keys of a mapping. */
const LISTS = new Set(['target_modules', 'exclude_modules']);
const PATTERNS = new Set(['rank_pattern', 'alpha_pattern']);

function aboutModules(
  { path: at, isKey }: NodePlace,
  context: LanguageContext,
  text: string,
): Pick<ConfigHover, 'matches' | 'module'> | undefined {
  const [section, key = '', ...inside] = at;
  if (section !== 'adapter' || !(LISTS.has(String(key)) || PATTERNS.has(String(key)))) return undefined;
  const model = context.model();
  if (!model) return undefined;
  const written = valueAt(context.values, at);
  const name = LISTS.has(String(key)) ? (inside.length > 0 ? written : undefined) : inside[0];
  try {
    if (typeof name === 'string') {
      const matching = PATTERNS.has(String(key))
        ? byPattern(name, String(key))
        : (p: string) => matchesModules([name], p);
      const sites = [...model.sites, ...model.outerSites].filter((site) => matching(site.path));
      const trained = trainedWith(context, model, text);
      const facts = sites.length > 0 ? moduleFacts(name, sites, trained) : undefined;
      return { matches: matchFacts(name, sites, model), ...(facts && { module: facts }) };
    }
    if (inside.length > 0 || PATTERNS.has(String(key))) return undefined;
    return { matches: wholeSelection(valueAt(context.values, ['adapter', key]), model, isKey) };
  } catch (error) {
    if (KernelError.is(error)) return undefined; // a pattern that is no regular expression: the check says so
    throw error;
  }
}

const byPattern = (source: string, key: string) => {
  const expression = pattern(`(.*\\.)?(${source})`, key, source);
  return (modulePath: string) => expression.test(modulePath);
};

function wholeSelection(written: unknown, model: ModelHeader, isKey: boolean): MatchFacts {
  const isAll = written === undefined || written === null || written === 'all-linear';
  const modules = typeof written === 'string' ? written : Array.isArray(written) ? written.map(String) : [];
  const named = [...model.sites, ...model.outerSites];
  const sites = isAll ? model.sites : named.filter((site) => matchesModules(modules, site.path));
  return matchFacts(isKey || typeof modules !== 'string' ? '' : modules, sites, model);
}

const MOST_EXAMPLES = 6;

function matchFacts(name: string, sites: readonly TargetSite[], model: ModelHeader): MatchFacts {
  const examples = sites.slice(0, MOST_EXAMPLES).map((site) => site.path);
  const total = new Set([...model.sites, ...sites]).size;
  return { pattern: name, matched: sites.length, total, examples };
}

interface Trained {
  readonly config: ResolvedConfig;
  readonly plan: AdapterPlan;
  readonly file: string;
}

/** What the configuration would train; `undefined` while it cannot. */
function trainedWith({ file, folder }: LanguageContext, model: ModelHeader, text: string): Trained | undefined {
  const { config } = loadConfig(file, { methods: adapterMethods, text });
  if (!config || !adapterMethod(config.adapter.method) || config.model !== path.resolve(folder, model.dir))
    return undefined;
  try {
    return { config, plan: planFor(config, model, file), file };
  } catch (error) {
    if (KernelError.is(error)) return undefined;
    throw error;
  }
}

function moduleFacts(name: string, sites: readonly TargetSite[], trained: Trained | undefined): ModuleFacts {
  const shape = commonShape(sites);
  const facts = { name, modules: sites.length, ...(shape && { shape }) };
  if (!trained) return { ...facts, updates: [] };
  const { config, plan, file } = trained;
  const paths = new Set(sites.map((site) => site.path));
  const ranks = new Set(plan.layers.filter((l) => paths.has(l.site.path)).map((l) => l.config['r']));
  const [rank] = ranks;
  const parameters = plan.trained.filter((t) => paths.has(t.module)).reduce((sum, { size }) => sum + size, 0);
  const adapter = latestAdapter(file, config.output, config.adapter.init_from);
  const { updates, none } = adapter ? moduleUpdates(adapter.path, sites) : { updates: [], none: undefined };
  return {
    ...facts,
    ...(ranks.size === 1 && typeof rank === 'number' && { rank }),
    parameters,
    share: parameters / plan.trainedSize,
    ...(adapter && { adapter }),
    updates,
    ...(none !== undefined && { noUpdate: none }),
  };
}
