/** A person as the data generator of Apache Pulsar makes them up: the same fields, in short. */
export interface Person {
  readonly firstName: string
  readonly middleName: string
  readonly lastName: string
  readonly email: string
  readonly username: string
  readonly password: string
  readonly sex: 'MALE' | 'FEMALE'
  readonly telephoneNumber: string
  readonly dateOfBirth: number
  readonly age: number
  readonly nationalIdentityCardNumber: string
  readonly passportNumber: string
  readonly address: { readonly street: string; readonly streetNumber: string; readonly apartmentNumber: string } & {
    readonly postalCode: string
    readonly city: string
  }
  readonly company: {
    readonly name: string
    readonly domain: string
    readonly email: string
    readonly vatIdentificationNumber: string
  }
  readonly companyEmail: string
}

const FIRST = ['Alice', 'Bruno', 'Carla', 'David', 'Elena', 'Felix', 'Grace', 'Henri', 'Irene', 'Jonas'] as const
const LAST = ['Adams', 'Berger', 'Costa', 'Dubois', 'Evans', 'Fischer', 'Garcia', 'Hughes', 'Ivanov', 'Jensen'] as const
const STREETS = ['Main Street', 'Park Avenue', 'Mill Lane', 'Station Road', 'Church Street', 'Bridge Street'] as const
const CITIES = ['Berlin', 'London', 'Madrid', 'Paris', 'Rome', 'Vienna', 'Warsaw', 'Zurich'] as const
const COMPANIES = ['Acme', 'Globex', 'Initech', 'Umbrella', 'Vandelay', 'Wonka'] as const

/** A number below `n`. */
const below = (n: number): number => Math.floor(Math.random() * n)
const of = <T>(list: readonly T[]): T => list[below(list.length)] as T
const digits = (n: number): string => String(below(10 ** n)).padStart(n, '0')

export function person(): Person {
  const [firstName, lastName, company] = [of(FIRST), of(LAST), of(COMPANIES)]
  const username = `${firstName.toLowerCase()}${digits(3)}`
  const domain = `${company.toLowerCase()}.example`
  const age = 18 + below(80)
  return {
    firstName,
    middleName: of(FIRST),
    lastName,
    email: `${username}@mail.example`,
    username,
    password: Math.random().toString(36).slice(2),
    sex: below(2) === 0 ? 'MALE' : 'FEMALE',
    telephoneNumber: `${digits(3)}-${digits(3)}-${digits(3)}`,
    dateOfBirth: Date.now() - age * 31_557_600_000,
    age,
    nationalIdentityCardNumber: `${digits(3)}-${digits(2)}-${digits(4)}`,
    passportNumber: digits(9),
    address: {
      street: of(STREETS),
      streetNumber: digits(2),
      apartmentNumber: digits(2),
      postalCode: digits(5),
      city: of(CITIES),
    },
    company: { name: company, domain, email: `info@${domain}`, vatIdentificationNumber: `${digits(2)}-${digits(7)}` },
    companyEmail: `${firstName.toLowerCase()}.${lastName.toLowerCase()}@${domain}`,
  }
}
