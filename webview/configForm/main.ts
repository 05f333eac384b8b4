/** @file Entry of the configuration form page. */
import '../shared/loadTexts';
import './configForm.css';
import type { ConfigFormPage } from '../protocol/configForm';
import { acquireApi, connectHost } from '../shared/host';
import { ConfigForm } from './app';
import { ConfigFormStore } from './store';

const api = acquireApi();
const store = new ConfigFormStore(connectHost<ConfigFormPage>(api, window), api);
const page = new ConfigForm();
page.store = store;
document.body.append(page);
void store.open();
