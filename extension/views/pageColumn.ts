/** @file Where a new page opens: beside the text that is edited, in a column that is there rather than in one more. */
import { TabInputWebview, ViewColumn, window, type TabGroup } from 'vscode';

export function pageColumn(): ViewColumn {
  if (!window.activeTextEditor) return ViewColumn.Active;
  const others = window.tabGroups.all.filter((group) => !group.isActive);
  return (others.find(hasPage) ?? others[0])?.viewColumn ?? ViewColumn.Beside;
}

/** Pages of ours stand together. */
const hasPage = ({ tabs }: TabGroup): boolean =>
  tabs.some(({ input }) => input instanceof TabInputWebview && input.viewType.includes('adapterStudio.'));
