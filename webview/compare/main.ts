/** @file Entry of the page that compares runs. */
import '../shared/loadTexts';
import './compare.css';
import type { ComparePage } from '../protocol/compare';
import { acquireApi, connectHost } from '../shared/host';
import { watchTheme } from '../shared/theme';
import { Comparison } from './app';
import { CompareStore } from './store';

const api = acquireApi();
const store = new CompareStore(connectHost<ComparePage>(api, window), api);
const page = new Comparison();
page.store = store;
page.theme = watchTheme(document);
document.body.append(page);
void store.open();
