/** @file What the pointer finds on a run: configuration, device, how long, how well. */
import { l10n, MarkdownString, Uri, workspace } from 'vscode';
import { figureTexts } from '../../kernels/protocol/activity';
import type { ActivityFigure, RunState } from '../../kernels/protocol/types';
import { isLive } from '../runs/liveness';
import type { RunSummary } from '../runs/runSummary';
import { formatCount, formatDuration, formatNumber } from '../util/format';
import { methodOf } from './runGroups';
import { createdLabel, figureLabel, hasNoGain, statusLabel } from './runLabels';

export function runTooltip(run: RunSummary): MarkdownString {
  const { state, info } = run;
  const { provider, threads } = info.device;
  const model = info.config['model'];
  const seconds = (isLive(state) ? Date.now() / 1000 : state.heartbeat) - info.created;
  const facts: readonly (readonly [string, string] | undefined)[] = [
    [l10n.t('Configuration'), workspace.asRelativePath(Uri.file(info.config_file))],
    [l10n.t('Method'), methodOf(info.config)],
    typeof model === 'string' ? [l10n.t('Base model'), workspace.asRelativePath(Uri.file(model))] : undefined,
    [l10n.t('Trainable parameters'), formatCount(info.parameters.trainable)],
    [l10n.t('Device'), l10n.t('{0}, {1} threads', provider, threads)],
    [l10n.t('Made'), createdLabel(run)],
    state.status !== 'queued' && Number.isFinite(seconds) && seconds >= 0
      ? [l10n.t('Duration'), formatDuration(seconds)]
      : undefined,
    [l10n.t('Steps'), `${state.step} / ${state.total_steps}`],
    run.loss === null ? undefined : [l10n.t('Last training loss'), formatNumber(run.loss)],
    state.best ? [l10n.t('Best evaluation loss'), bestText(state.best)] : undefined,
    [l10n.t('Folder'), run.folder],
  ];
  const rows = facts.filter((fact) => fact !== undefined).map(([name, value]) => `| ${name} | ${escape(value)} |`);
  const lines = [
    `**${escape(info.name)}**: ${statusLabel(state.status)}`,
    state.error === undefined ? '' : `$(error) ${escape(state.error)}`,
    ...(hasNoGain(run)
      ? [`$(warning) ${escape(l10n.t('No evaluation was better than the one before training.'))}`]
      : []),
    ...redLines(run),
    ['| | |', '|:--|:--|', ...rows].join('\n'),
  ];
  return new MarkdownString(lines.filter((line) => line !== '').join('\n\n'), true);
}

const bestText = ({ step, loss }: NonNullable<RunState['best']>): string =>
  step === 0 ? l10n.t('{0} before training', formatNumber(loss)) : l10n.t('{0} at step {1}', formatNumber(loss), step);

/** Each rule of the method that is not met, with what was found and where. */
function redLines({ redFigures }: RunSummary): readonly string[] {
  if (redFigures.length === 0) return [];
  const title = l10n.t('The method does not do what it says: do not trust this adapter.');
  return [`$(warning) ${escape(title)}`, redFigures.map((figure) => `- ${escape(redLine(figure))}`).join('\n')];
}

function redLine(figure: ActivityFigure): string {
  const { rule, where } = figure;
  const texts = figureTexts(figure);
  // eslint-disable-next-line local/literal-texts -- the text is declared with the figure, where the extraction finds it
  const expected = l10n.t(rule, ...texts.rule);
  const found = texts.value ?? l10n.t('not a number');
  return where === undefined
    ? l10n.t('{0}: {1}; expected: {2}', figureLabel(figure), found, expected)
    : l10n.t('{0}: {1} in {3}; expected: {2}', figureLabel(figure), found, expected, where);
}

/** Names come from files; they are text, not markup. */
function escape(text: string): string {
  return text.replace(/[\\`*_{}[\]()#+!|<>$~-]/g, '\\$&').replace(/\s+/g, ' ');
}
