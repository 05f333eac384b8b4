/** @file placeholder */
export {};
