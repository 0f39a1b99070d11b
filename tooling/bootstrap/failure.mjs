/** What a failed step means and what to do, by what its output says. The first that matches counts. */
const CAUSES = [
  [/ENOSPC|no space left on device/i, 'The disk is full. Free some space and run the command again.'],
  [
    /ERR_PNPM_OUTDATED_LOCKFILE/,
    'A package.json and pnpm-lock.yaml disagree. Run `pnpm install` and commit the lockfile.',
  ],
  [
    /\bE?40[13]\b|Unauthorized|Forbidden/,
    'The registry refuses the request. Check the login in your .npmrc (`npm whoami`) and `npm config get registry`.',
  ],
  [
    /\bE404\b|ERR_PNPM_FETCH_404|ERR_PNPM_NO_MATCHING_VERSION|ETARGET/,
    'The registry does not have a package or version. Check `npm config get registry`: a mirror may lag behind.',
  ],
  [
    /EINTEGRITY|ERR_PNPM_TARBALL_INTEGRITY/,
    'A download was damaged. Run the command again; then check the mirror or proxy.',
  ],
  [
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT|ERR_PNPM_META_FETCH_FAIL/,
    'The npm registry cannot be reached. Check the network, `HTTPS_PROXY` and `npm config get registry`, and run the command again.',
  ],
  [
    /UNABLE_TO_VERIFY|SELF_SIGNED_CERT|CERT_/,
    'The certificate of the registry is not trusted. Point NODE_EXTRA_CA_CERTS or `cafile` in .npmrc to its CA.',
  ],
  [
    /EACCES|EPERM|EROFS/,
    'A file cannot be written. Check who owns this folder and the npm cache (`npm config get cache`).',
  ],
]

/** What to do about a failed step; undefined where its own output has to do. */
export const advice = output => CAUSES.find(([pattern]) => pattern.test(output))?.[1]

/** The end of a long output. */
export function tail(output, lines = 40) {
  const all = output.trimEnd().split('\n')
  return (all.length > lines ? ['…', ...all.slice(-lines)] : all).map(text => `  ${text}`).join('\n')
}
