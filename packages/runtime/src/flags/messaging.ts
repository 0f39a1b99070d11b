import type { Flag, FlagGroup } from './flag.ts'

/** Only a cluster has a use for them. */
export const clusterOnly: readonly Flag[] = [
  {
    flags: '--web-service-url <url>',
    description: "The cluster's web service; default: the same host, port 8080, with TLS 8443",
    legacy: ['--webServiceUrl', '--admin-url'],
  },
  {
    flags: '--client-auth-plugin <plugin>',
    description: "Login: token, basic, tls, oauth2, or Pulsar's class name",
    legacy: ['--clientAuthPlugin'],
  },
  {
    flags: '--client-auth-params <params>',
    description: 'Its parameters, as in file:///run/secrets/token or token:${env:TOKEN}',
    legacy: ['--clientAuthParams'],
  },
  {
    flags: '--use-tls [bool]',
    description: 'Speak TLS, as pulsar+ssl:// does',
    legacy: ['--use_tls'],
  },
  {
    flags: '--tls-trust-cert-path <file>',
    description: 'PEM file of the authorities to trust; default those of Node.js',
    legacy: ['--tls_trust_cert_path'],
  },
  {
    flags: '--tls-allow-insecure [bool]',
    description: 'Take any certificate',
    legacy: ['--tls_allow_insecure'],
  },
  {
    flags: '--hostname-verification-enabled [bool]',
    description: 'The certificate has to name the host; default true',
    legacy: ['--hostname_verification_enabled'],
  },
]

/** Where topics live, and who comes there. */
export const messagingFlags: FlagGroup = {
  heading: 'Messaging:',
  flags: [
    {
      flags: '--broker-service-url <url>',
      description:
        'pulsar://host:6650, pulsar+ssl://host:6651, or embedded:<dir>; default embedded:.pulsar-io, a durable log in that folder',
      legacy: ['--brokerServiceUrl'],
    },
    { flags: '--data-dir <dir>', description: 'The same as --broker-service-url embedded:<dir>' },
    {
      flags: '--messaging <driver>',
      description: 'Messaging driver; default the one of the URL',
      choices: ['embedded', 'pulsar', 'native'],
    },
    ...clusterOnly,
  ],
}
