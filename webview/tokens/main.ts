/** @file Entry of the page of tokens. */
import '../shared/loadTexts';
import './tokens.css';
import type { TokensPage } from '../protocol/tokens';
import { acquireApi, connectHost } from '../shared/host';
import { watchTheme } from '../shared/theme';
import { TokensApp } from './app';
import { TokensStore } from './store';

const api = acquireApi();
const store = new TokensStore(connectHost<TokensPage>(api, window), api);
const page = new TokensApp();
page.store = store;
page.theme = watchTheme(document);
document.body.append(page);
void store.open();
