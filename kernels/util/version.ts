/** @file The engine's version: that of the package it was built from. */
import { version } from '../../package.json';

export const ENGINE_VERSION: string = version;
