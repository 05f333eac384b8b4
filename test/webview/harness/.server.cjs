"use strict";
var __create = Object.create;
var __defProp = Object.defineProperty;
var __getOwnPropDesc = Object.getOwnPropertyDescriptor;
var __getOwnPropNames = Object.getOwnPropertyNames;
var __getProtoOf = Object.getPrototypeOf;
var __hasOwnProp = Object.prototype.hasOwnProperty;
var __export = (target, all) => {
  for (var name in all)
    __defProp(target, name, { get: all[name], enumerable: true });
};
var __copyProps = (to, from, except, desc) => {
  if (from && typeof from === "object" || typeof from === "function") {
    for (let key of __getOwnPropNames(from))
      if (!__hasOwnProp.call(to, key) && key !== except)
        __defProp(to, key, { get: () => from[key], enumerable: !(desc = __getOwnPropDesc(from, key)) || desc.enumerable });
  }
  return to;
};
var __toESM = (mod, isNodeMode, target) => (target = mod != null ? __create(__getProtoOf(mod)) : {}, __copyProps(
  // If the importer is in node compatibility mode or this is not an ESM
  // file that has been converted to a CommonJS file using a Babel-
  // compatible transform (i.e. "__esModule" has not been set), then set
  // "default" to the CommonJS "module.exports" for node compatibility.
  isNodeMode || !mod || !mod.__esModule ? __defProp(target, "default", { value: mod, enumerable: true }) : target,
  mod
));
var __toCommonJS = (mod) => __copyProps(__defProp({}, "__esModule", { value: true }), mod);

// test/webview/harness/server.ts
var server_exports = {};
__export(server_exports, {
  THEMES: () => THEMES,
  startHarness: () => startHarness
});
module.exports = __toCommonJS(server_exports);
var import_esbuild = require("esbuild");
var import_node_fs = require("node:fs");
var import_node_http = require("node:http");
var import_node_path = __toESM(require("node:path"));

// test/webview/harness/themes.json
var themes_default = {
  dark: {
    bodyClass: "vscode-dark",
    variables: {
      "--vscode-activityBarBadge-background": "#0078d4",
      "--vscode-activityBarBadge-foreground": "#ffffff",
      "--vscode-badge-background": "#616161",
      "--vscode-badge-foreground": "#f8f8f8",
      "--vscode-button-background": "#0078d4",
      "--vscode-button-border": "rgba(255, 255, 255, 0.1)",
      "--vscode-button-foreground": "#ffffff",
      "--vscode-button-hoverBackground": "#026ec1",
      "--vscode-button-secondaryBackground": "rgba(0, 0, 0, 0)",
      "--vscode-button-secondaryForeground": "#cccccc",
      "--vscode-button-secondaryHoverBackground": "#2b2b2b",
      "--vscode-button-separator": "rgba(255, 255, 255, 0.4)",
      "--vscode-charts-blue": "#59a4f9",
      "--vscode-charts-foreground": "#cccccc",
      "--vscode-charts-green": "#89d185",
      "--vscode-charts-lines": "rgba(204, 204, 204, 0.5)",
      "--vscode-charts-orange": "rgba(234, 92, 0, 0.33)",
      "--vscode-charts-purple": "#b180d7",
      "--vscode-charts-red": "#f14c4c",
      "--vscode-charts-yellow": "#cca700",
      "--vscode-descriptionForeground": "#9d9d9d",
      "--vscode-dropdown-background": "#313131",
      "--vscode-dropdown-border": "#3c3c3c",
      "--vscode-dropdown-foreground": "#cccccc",
      "--vscode-editor-background": "#1f1f1f",
      "--vscode-editorHoverWidget-background": "#202020",
      "--vscode-editorHoverWidget-border": "rgba(204, 204, 204, 0.2)",
      "--vscode-editorHoverWidget-foreground": "#cccccc",
      "--vscode-editorWarning-foreground": "#cca700",
      "--vscode-errorForeground": "#f85149",
      "--vscode-focusBorder": "#0078d4",
      "--vscode-foreground": "#cccccc",
      "--vscode-icon-foreground": "#cccccc",
      "--vscode-input-background": "#313131",
      "--vscode-input-border": "#3c3c3c",
      "--vscode-input-foreground": "#cccccc",
      "--vscode-input-placeholderForeground": "#989898",
      "--vscode-inputOption-activeBackground": "rgba(36, 137, 219, 0.51)",
      "--vscode-inputOption-activeBorder": "#2488db",
      "--vscode-inputOption-activeForeground": "#ffffff",
      "--vscode-inputValidation-errorBackground": "#5a1d1d",
      "--vscode-inputValidation-errorBorder": "#be1100",
      "--vscode-panel-border": "#2b2b2b",
      "--vscode-progressBar-background": "#0078d4",
      "--vscode-settings-modifiedItemIndicator": "rgba(187, 128, 9, 0.4)",
      "--vscode-settings-textInputBorder": "#3c3c3c",
      "--vscode-sideBar-background": "#181818",
      "--vscode-sideBarSectionHeader-background": "#181818",
      "--vscode-sideBarSectionHeader-border": "#2b2b2b",
      "--vscode-textLink-foreground": "#4daafc",
      "--vscode-toolbar-activeBackground": "rgba(99, 102, 103, 0.31)",
      "--vscode-toolbar-hoverBackground": "rgba(90, 93, 94, 0.31)",
      "--vscode-font-family": 'system-ui, "Ubuntu", "Droid Sans", sans-serif',
      "--vscode-font-size": "13px",
      "--vscode-font-weight": "normal",
      "--vscode-editor-font-family": '"Droid Sans Mono", monospace'
    }
  },
  light: {
    bodyClass: "vscode-light",
    variables: {
      "--vscode-activityBarBadge-background": "#005fb8",
      "--vscode-activityBarBadge-foreground": "#ffffff",
      "--vscode-badge-background": "#cccccc",
      "--vscode-badge-foreground": "#3b3b3b",
      "--vscode-button-background": "#005fb8",
      "--vscode-button-border": "rgba(0, 0, 0, 0.1)",
      "--vscode-button-foreground": "#ffffff",
      "--vscode-button-hoverBackground": "#0258a8",
      "--vscode-button-secondaryBackground": "#e5e5e5",
      "--vscode-button-secondaryForeground": "#3b3b3b",
      "--vscode-button-secondaryHoverBackground": "#cccccc",
      "--vscode-button-separator": "rgba(255, 255, 255, 0.4)",
      "--vscode-charts-blue": "#0063d3",
      "--vscode-charts-foreground": "#3b3b3b",
      "--vscode-charts-green": "#388a34",
      "--vscode-charts-lines": "rgba(59, 59, 59, 0.5)",
      "--vscode-charts-orange": "rgba(234, 92, 0, 0.33)",
      "--vscode-charts-purple": "#652d90",
      "--vscode-charts-red": "#e51400",
      "--vscode-charts-yellow": "#bf8803",
      "--vscode-descriptionForeground": "#3b3b3b",
      "--vscode-dropdown-background": "#ffffff",
      "--vscode-dropdown-border": "#cecece",
      "--vscode-dropdown-foreground": "#3b3b3b",
      "--vscode-editor-background": "#ffffff",
      "--vscode-editorHoverWidget-background": "#f8f8f8",
      "--vscode-editorHoverWidget-border": "rgba(59, 59, 59, 0.2)",
      "--vscode-editorHoverWidget-foreground": "#3b3b3b",
      "--vscode-editorWarning-foreground": "#bf8803",
      "--vscode-errorForeground": "#f85149",
      "--vscode-focusBorder": "#005fb8",
      "--vscode-foreground": "#3b3b3b",
      "--vscode-icon-foreground": "#3b3b3b",
      "--vscode-input-background": "#ffffff",
      "--vscode-input-border": "#cecece",
      "--vscode-input-foreground": "#3b3b3b",
      "--vscode-input-placeholderForeground": "#767676",
      "--vscode-inputOption-activeBackground": "#bed6ed",
      "--vscode-inputOption-activeBorder": "#005fb8",
      "--vscode-inputOption-activeForeground": "#000000",
      "--vscode-inputValidation-errorBackground": "#f2dede",
      "--vscode-inputValidation-errorBorder": "#be1100",
      "--vscode-panel-border": "#e5e5e5",
      "--vscode-progressBar-background": "#005fb8",
      "--vscode-settings-modifiedItemIndicator": "rgba(187, 128, 9, 0.4)",
      "--vscode-settings-textInputBorder": "#cecece",
      "--vscode-sideBar-background": "#f8f8f8",
      "--vscode-sideBarSectionHeader-background": "#f8f8f8",
      "--vscode-sideBarSectionHeader-border": "#e5e5e5",
      "--vscode-textLink-foreground": "#005fb8",
      "--vscode-toolbar-activeBackground": "rgba(166, 166, 166, 0.31)",
      "--vscode-toolbar-hoverBackground": "rgba(184, 184, 184, 0.31)",
      "--vscode-font-family": 'system-ui, "Ubuntu", "Droid Sans", sans-serif',
      "--vscode-font-size": "13px",
      "--vscode-font-weight": "normal",
      "--vscode-editor-font-family": '"Droid Sans Mono", monospace'
    }
  },
  "high-contrast": {
    bodyClass: "vscode-high-contrast",
    variables: {
      "--vscode-activityBarBadge-background": "#000000",
      "--vscode-activityBarBadge-foreground": "#ffffff",
      "--vscode-badge-background": "#000000",
      "--vscode-badge-foreground": "#ffffff",
      "--vscode-button-background": "#000000",
      "--vscode-button-border": "#6fc3df",
      "--vscode-button-foreground": "#ffffff",
      "--vscode-button-hoverBackground": "#000000",
      "--vscode-button-secondaryForeground": "#ffffff",
      "--vscode-button-separator": "rgba(255, 255, 255, 0.4)",
      "--vscode-charts-blue": "#59a4f9",
      "--vscode-charts-foreground": "#ffffff",
      "--vscode-charts-green": "#89d185",
      "--vscode-charts-lines": "rgba(255, 255, 255, 0.5)",
      "--vscode-charts-purple": "#b180d7",
      "--vscode-charts-red": "#f48771",
      "--vscode-charts-yellow": "#ffd370",
      "--vscode-contrastActiveBorder": "#f38518",
      "--vscode-contrastBorder": "#6fc3df",
      "--vscode-descriptionForeground": "rgba(255, 255, 255, 0.7)",
      "--vscode-dropdown-background": "#000000",
      "--vscode-dropdown-border": "#6fc3df",
      "--vscode-dropdown-foreground": "#ffffff",
      "--vscode-editor-background": "#000000",
      "--vscode-editorHoverWidget-background": "#0c141f",
      "--vscode-editorHoverWidget-border": "#6fc3df",
      "--vscode-editorHoverWidget-foreground": "#ffffff",
      "--vscode-editorWarning-foreground": "#ffd370",
      "--vscode-errorForeground": "#f48771",
      "--vscode-focusBorder": "#f38518",
      "--vscode-foreground": "#ffffff",
      "--vscode-icon-foreground": "#ffffff",
      "--vscode-input-background": "#000000",
      "--vscode-input-border": "#6fc3df",
      "--vscode-input-foreground": "#ffffff",
      "--vscode-input-placeholderForeground": "rgba(255, 255, 255, 0.7)",
      "--vscode-inputOption-activeBackground": "rgba(0, 0, 0, 0)",
      "--vscode-inputOption-activeBorder": "#6fc3df",
      "--vscode-inputOption-activeForeground": "#ffffff",
      "--vscode-inputValidation-errorBackground": "#000000",
      "--vscode-inputValidation-errorBorder": "#6fc3df",
      "--vscode-panel-border": "#6fc3df",
      "--vscode-progressBar-background": "#6fc3df",
      "--vscode-settings-modifiedItemIndicator": "#00497a",
      "--vscode-settings-textInputBorder": "#6fc3df",
      "--vscode-sideBar-background": "#000000",
      "--vscode-sideBarSectionHeader-border": "#6fc3df",
      "--vscode-textLink-foreground": "#21a6ff",
      "--vscode-font-family": 'system-ui, "Ubuntu", "Droid Sans", sans-serif',
      "--vscode-font-size": "13px",
      "--vscode-font-weight": "normal",
      "--vscode-editor-font-family": '"Droid Sans Mono", monospace'
    }
  },
  "high-contrast-light": {
    bodyClass: "vscode-high-contrast-light vscode-high-contrast",
    variables: {
      "--vscode-activityBarBadge-background": "#0f4a85",
      "--vscode-activityBarBadge-foreground": "#ffffff",
      "--vscode-badge-background": "#0f4a85",
      "--vscode-badge-foreground": "#ffffff",
      "--vscode-button-background": "#0f4a85",
      "--vscode-button-border": "#0f4a85",
      "--vscode-button-foreground": "#ffffff",
      "--vscode-button-hoverBackground": "#0f4a85",
      "--vscode-button-secondaryBackground": "#ffffff",
      "--vscode-button-secondaryForeground": "#292929",
      "--vscode-button-separator": "rgba(255, 255, 255, 0.4)",
      "--vscode-charts-blue": "#0063d3",
      "--vscode-charts-foreground": "#292929",
      "--vscode-charts-green": "#374e06",
      "--vscode-charts-lines": "rgba(41, 41, 41, 0.5)",
      "--vscode-charts-purple": "#652d90",
      "--vscode-charts-red": "#b5200d",
      "--vscode-charts-yellow": "#895503",
      "--vscode-contrastActiveBorder": "#006bbd",
      "--vscode-contrastBorder": "#0f4a85",
      "--vscode-descriptionForeground": "rgba(41, 41, 41, 0.7)",
      "--vscode-dropdown-background": "#ffffff",
      "--vscode-dropdown-border": "#0f4a85",
      "--vscode-dropdown-foreground": "#292929",
      "--vscode-editor-background": "#ffffff",
      "--vscode-editorHoverWidget-background": "#ffffff",
      "--vscode-editorHoverWidget-border": "#0f4a85",
      "--vscode-editorHoverWidget-foreground": "#292929",
      "--vscode-editorWarning-foreground": "#895503",
      "--vscode-errorForeground": "#b5200d",
      "--vscode-focusBorder": "#006bbd",
      "--vscode-foreground": "#292929",
      "--vscode-icon-foreground": "#292929",
      "--vscode-input-background": "#ffffff",
      "--vscode-input-border": "#0f4a85",
      "--vscode-input-foreground": "#292929",
      "--vscode-input-placeholderForeground": "rgba(41, 41, 41, 0.7)",
      "--vscode-inputOption-activeBackground": "rgba(0, 0, 0, 0)",
      "--vscode-inputOption-activeBorder": "#0f4a85",
      "--vscode-inputOption-activeForeground": "#292929",
      "--vscode-inputValidation-errorBackground": "#ffffff",
      "--vscode-inputValidation-errorBorder": "#0f4a85",
      "--vscode-panel-border": "#0f4a85",
      "--vscode-progressBar-background": "#0f4a85",
      "--vscode-settings-modifiedItemIndicator": "#66afe0",
      "--vscode-settings-textInputBorder": "#0f4a85",
      "--vscode-sideBar-background": "#ffffff",
      "--vscode-sideBarSectionHeader-border": "#0f4a85",
      "--vscode-textLink-foreground": "#0f4a85",
      "--vscode-font-family": 'system-ui, "Ubuntu", "Droid Sans", sans-serif',
      "--vscode-font-size": "13px",
      "--vscode-font-weight": "normal",
      "--vscode-editor-font-family": '"Droid Sans Mono", monospace'
    }
  }
};

// test/webview/harness/server.ts
var THEMES = Object.keys(themes_default);
var root = import_node_path.default.resolve(__dirname, "../../..");
var pages = import_node_path.default.join(root, "dist/webview");
var NONCE = "harness";
var TYPES = { ".js": "text/javascript", ".css": "text/css", ".ttf": "font/ttf" };
async function startHarness() {
  const hosts = await bundleHosts();
  const server = (0, import_node_http.createServer)((request, response) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    const [kind, name = ""] = url.pathname.slice(1).split("/");
    const send = (type, body) => response.writeHead(200, { "content-type": type }).end(body);
    if (kind === "page")
      return send("text/html", html(name, url.searchParams.get("theme") ?? "dark"));
    if (kind === "host") return send("text/javascript", hosts.get(name) ?? "");
    if (kind === "dist")
      return send(TYPES[import_node_path.default.extname(name)] ?? "text/plain", (0, import_node_fs.readFileSync)(import_node_path.default.join(pages, import_node_path.default.basename(name))));
    return response.writeHead(kind === "favicon.ico" ? 204 : 404).end();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  return {
    url: (page, theme, options = {}) => `http://127.0.0.1:${port}/page/${page}?${new URLSearchParams({ theme, ...options }).toString()}`,
    stop: () => close(server)
  };
}
async function bundleHosts() {
  const bundled = await Promise.all(
    ["dashboardHost", "configFormHost"].map(async (name) => {
      const result = await (0, import_esbuild.build)({
        absWorkingDir: root,
        entryPoints: [`test/webview/harness/${name}.ts`],
        bundle: true,
        write: false,
        format: "iife",
        platform: "browser",
        target: "chrome132"
      });
      return [`${name}.js`, result.outputFiles[0].text];
    })
  );
  return new Map(bundled);
}
function html(page, theme) {
  const policy = `default-src 'none'; script-src 'nonce-${NONCE}'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'`;
  const { bodyClass, variables } = themes_default[theme];
  const style = Object.entries(variables).map(([name, value]) => `${name}: ${value.replaceAll('"', "'")}`).join("; ");
  const ground = page === "dashboard" ? "--vscode-editor-background" : "--vscode-sideBar-background";
  return `<!DOCTYPE html>
<html lang="en" style="${style}; background: var(${ground})">
<head>
<meta charset="UTF-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${page}</title>
<link rel="stylesheet" id="vscode-codicon-stylesheet" nonce="${NONCE}" href="/dist/codicon.css">
<link rel="stylesheet" href="/dist/${page}.css">
</head>
<body class="${bodyClass}">
<script nonce="${NONCE}" src="/host/${page}Host.js"></script>
<script nonce="${NONCE}" src="/dist/${page}.js"></script>
</body>
</html>`;
}
function close(server) {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
// Annotate the CommonJS export names for ESM import in node:
0 && (module.exports = {
  THEMES,
  startHarness
});
