/** @file Entry of the dashboard page. */
import '../shared/loadTexts';
import './dashboard.css';
import type { DashboardPage } from '../protocol/dashboard';
import { acquireApi, connectHost } from '../shared/host';
import { watchTheme } from '../shared/theme';
import { Dashboard } from './app';
import { DashboardStore } from './store';

const api = acquireApi();
const store = new DashboardStore(connectHost<DashboardPage>(api, window), api);
const page = new Dashboard();
page.store = store;
page.theme = watchTheme(document);
document.body.append(page);
void store.open();
