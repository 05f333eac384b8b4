/** @file Which browser the end-to-end tests drive, and where its software Vulkan driver is. Debian's package has both. */
export const chromiumPath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
