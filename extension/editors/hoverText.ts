/** @file What the engine knows about a key, a value or a module, in words. */
import { l10n, MarkdownString } from 'vscode';
import type { ConfigHover, KeyFacts, MatchFacts, ModuleFacts, UpdateFacts } from '../../kernels/protocol/calls/config';
import { formatNumber } from '../util/format';
import type { ImageColors } from './spectrumImage';
import { spectrumImage } from './spectrumImage';

/** Title, help, and what it takes. */
export function keyMarkdown({
  path,
  title,
  help,
  expected,
  unit,
  default: standard,
  presence,
}: KeyFacts): MarkdownString {
  const facts = [
    expected === undefined ? undefined : l10n.t('Takes {0}', expected),
    unit === undefined ? undefined : l10n.t('in {0}', unit),
  ].filter((fact) => fact !== undefined);
  const written =
    presence === 'required'
      ? l10n.t('Must be written.')
      : standard === undefined
        ? l10n.t('May be left out.')
        : l10n.t('Default: {0}', `\`${standard}\``);
  const takes = facts.length > 0 ? `${facts.join(' ')}.  \n` : '';
  return new MarkdownString(`**${title}** — \`${path}\`\n\n${help}\n\n${takes}${written}`);
}

/** All that is known about a place, the most particular first. */
export function hoverMarkdown({ key, meaning, matches, module }: ConfigHover, colors: ImageColors): MarkdownString[] {
  const parts: MarkdownString[] = [];
  if (module) parts.push(moduleMarkdown(module, colors));
  if (matches) parts.push(matchMarkdown(matches));
  if (meaning !== undefined) parts.push(new MarkdownString(meaning));
  if (key) parts.push(keyMarkdown(key));
  return parts;
}

function matchMarkdown({ matched, total, examples }: MatchFacts): MarkdownString {
  if (matched === 0) return new MarkdownString(l10n.t('Matches none of the {0} linear layers.', total));
  const more = matched > examples.length ? `, … ${l10n.t('and {0} more', matched - examples.length)}` : '';
  const names = examples.map((name) => `\`${name}\``).join(', ');
  const count =
    matched === total
      ? l10n.t('Matches all {0} linear layers', total)
      : l10n.t('Matches {0} of {1} linear layers', matched, total);
  return new MarkdownString(`${count}: ${names}${more}`);
}

function moduleMarkdown(facts: ModuleFacts, colors: ImageColors): MarkdownString {
  const { name, modules, shape, rank, parameters, share, adapter, updates, noUpdate } = facts;
  const size = [
    modules === 1 ? undefined : l10n.t('{0} layers', modules),
    shape && `[${shape.join(', ')}]`,
    rank === undefined ? undefined : l10n.t('rank {0}', rank),
  ].filter((part) => part !== undefined);
  const lines = [`**\`${name}\`** — ${size.join(' · ')}`];
  if (parameters === 0) lines.push(l10n.t('Not adapted.'));
  else if (parameters !== undefined && share !== undefined) {
    const percent = formatNumber(Number((100 * share).toPrecision(3)));
    lines.push(l10n.t('{0} trainable parameters, {1} % of all', parameters.toLocaleString(), percent));
  }
  const markdown = new MarkdownString(lines.join('\n\n'));
  if (!adapter) return markdown;
  const source =
    adapter.step === undefined
      ? l10n.t('Update ΔW in {0}', `\`${shortPath(adapter.path)}\``)
      : l10n.t('Update ΔW at step {0} in {1}', adapter.step, `\`${shortPath(adapter.path)}\``);
  if (updates.length === 0) {
    if (noUpdate !== undefined) markdown.appendMarkdown(`\n\n${source}: ${noUpdate}`);
    return markdown;
  }
  const { uri, width, height, description } = spectrumImage(updates, colors);
  const image = `<img src="${uri}" width="${width}" height="${height}" alt="${description}">`;
  markdown.supportHtml = true;
  return markdown.appendMarkdown(`\n\n${source}\n\n${measures(updates)}\n\n${image}`);
}

function measures(updates: readonly UpdateFacts[]): string {
  const range = (values: readonly number[]) => {
    const [low, high] = [Math.min(...values), Math.max(...values)].map((v) => formatNumber(Number(v.toPrecision(3))));
    return low === high ? `${low}` : `${low} … ${high}`;
  };
  return [
    `‖ΔW‖ ${range(updates.map(({ norm }) => norm))}`,
    l10n.t('stable rank {0}', range(updates.map(({ stableRank }) => stableRank))),
    l10n.t('effective rank {0}', range(updates.map(({ effectiveRank }) => effectiveRank))),
  ].join(' · ');
}

/** The last three parts tell runs apart. */
function shortPath(path: string): string {
  const parts = path.split(/[\\/]/);
  return parts.length > 3 ? `…/${parts.slice(-3).join('/')}` : path;
}
