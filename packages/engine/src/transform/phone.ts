import { ConfigError } from '@pulsar-io/sdk/core'
import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js'
import * as z from 'zod'
import { changingValues, fieldsAndOptions, type Operation, pathsOf, settingsOf } from './operation.ts'
import { fieldList, withFields } from './structure.ts'
import { textOf } from './values.ts'

const settingsSchema = z.strictObject({
  fields: fieldList,
  /** Of numbers without a country code. */
  country: z.string().optional(),
  /** Of what is no number: a dead letter, null, or left as it is. */
  invalid: z.enum(['reject', 'null', 'keep']).default('reject'),
})

/** Phone numbers as E.164, `+4930123456`. */
export const phone: Operation = {
  short: fieldsAndOptions,
  make: settings => {
    const { fields, country, invalid } = settingsOf(settingsSchema, withFields(settings))
    const region = country?.toUpperCase()
    if (region !== undefined && !isSupportedCountry(region)) {
      throw new ConfigError([
        { path: 'country', message: `must be a country of two letters such as DE, got ${JSON.stringify(country)}` },
      ])
    }
    return changingValues(pathsOf(fields), value => {
      const number = parsePhoneNumberFromString(textOf(value), {
        extract: false,
        ...(region === undefined ? {} : { defaultCountry: region as CountryCode }),
      })
      if (number?.isValid()) return number.number
      if (invalid === 'keep') return value
      if (invalid === 'null') return null
      const hint = region === undefined ? '; a number without a country code needs country' : ` of ${region}`
      throw new Error(`is no valid phone number${hint}`)
    })
  },
}
