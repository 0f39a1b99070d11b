/** The contract between archives and runtimes that this SDK speaks; a whole number that grows when it breaks. */
export const API_LEVEL = 1
