/**
 * @file Gives the page the texts in the editor's language. The first import of every page: tables of texts are made when
 * their files are loaded. Pages write `l10n.t('English text with {0}', value)`, with `import * as l10n from '@vscode/l10n'`.
 */
import { config } from '@vscode/l10n';

const bundle = document.getElementById('l10n')?.textContent;
if (bundle) config({ contents: bundle });
