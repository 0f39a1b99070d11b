import { createHash, createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { compileTransforms, type Subject, type TransformConfig } from '../../src/transform/index.ts'

const subject = (value: unknown, more: Partial<Subject> = {}): Subject => ({
  value,
  key: undefined,
  topic: 'persistent://public/default/in',
  properties: {},
  eventTime: undefined,
  ...more,
})

const services = { secret: (name: string) => (name === 'pepper' ? 'p' : undefined), checkOnly: false }

async function run(transforms: readonly TransformConfig[], value: unknown, more: Partial<Subject> = {}) {
  const chain = await compileTransforms(transforms, services)
  const record = subject(value, more)
  const passed = await chain?.run(record)
  return { ...record, passed }
}

const resultOf = async (transform: TransformConfig, value: unknown) => (await run([transform], value)).value

const customer = () => ({
  id: 1n,
  customer: { name: 'Ann', phone: '030 123456', address: { city: 'Berlin', zip: '10115' } },
  lines: [
    { sku: 'a', price: 1.5 },
    { sku: 'b', price: 2 },
  ],
})

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

/** What is done, what comes in, what goes out. */
/** What is done, what comes in, why it is refused. */
const REFUSED: readonly (readonly [TransformConfig, unknown, string])[] = [
  ['drop:a', 'just text', 'transform 1 (drop): the value has no fields; it is no object'],
  ['drop:$key.id', {}, 'transform 1 (drop): the key has no fields; it is no object'],
  ['mask:a', { a: { b: 1 } }, 'transform 1 (mask): a is an object; name its fields'],
  ['cast:a.b=int', { a: { b: 'secret' } }, 'transform 1 (cast): a.b is no whole number up to 2^53'],
  ['cast:a=long', { a: 1.5 }, 'transform 1 (cast): a is no whole number'],
  ['cast:a=double', { a: 2n ** 60n + 1n }, 'transform 1 (cast): a is no number'],
  ['cast:a=timestamp', { a: '2024-02-29T12:00' }, 'transform 1 (cast): a is no time such as'],
  ['phone:a;country=DE', { a: 'secret' }, 'transform 1 (phone): a is no valid phone number of DE'],
  ['phone:a', { a: '030 123456' }, 'a number without a country code needs country'],
  ['rename:a=b', { a: 1, b: 2 }, 'transform 1 (rename): a cannot become b, which is there already'],
  ['rename:a=b.c', { a: 1, b: 2 }, 'transform 1 (rename): a is no object'],
  ['flatten', { a: { b: 1 }, a_b: 2 }, 'transform 1 (flatten): flattening would give two fields the name a_b'],
  ['jsonata:absent', {}, 'transform 1 (jsonata): the expression gives nothing'],
  [
    'jsonata:$number(a)',
    { a: 'secret' },
    'transform 1 (jsonata): the expression fails: Unable to cast value to a number: …',
  ],
]

/** A case of its own name: JSON has no 64-bit numbers for one. */
function titled<T>(cases: readonly (readonly [TransformConfig, unknown, T])[]) {
  return cases.map(([transform, before, after]) => [JSON.stringify(transform), transform, before, after] as const)
}

const CASES: readonly (readonly [TransformConfig, unknown, unknown])[] = [
  [
    'drop:customer.phone, lines.price',
    customer(),
    {
      id: 1n,
      customer: { name: 'Ann', address: { city: 'Berlin', zip: '10115' } },
      lines: [{ sku: 'a' }, { sku: 'b' }],
    },
  ],
  [{ drop: ['lines[0]', 'absent.field', 'id'] }, { id: 1, lines: [1, 2] }, { lines: [2] }],
  [{ drop: '`a.b`' }, { 'a.b': 1, c: 2 }, { c: 2 }],
  [
    'keep:id,customer.address.city,lines.sku',
    customer(),
    {
      id: 1n,
      customer: { address: { city: 'Berlin' } },
      lines: [{ sku: 'a' }, { sku: 'b' }],
    },
  ],
  ['rename:id=orderId', { id: 1, b: 2 }, { orderId: 1, b: 2 }],
  [{ rename: { 'lines.sku': 'lines.article' } }, { lines: [{ sku: 'a' }] }, { lines: [{ article: 'a' }] }],
  ['rename:customer.phone=phone,absent=x', { customer: { phone: '1' } }, { customer: {}, phone: '1' }],
  ['rename:phone=contact.phone', { phone: '1' }, { contact: { phone: '1' } }],
  ['mask:card', { card: '4111111111111111' }, { card: '***' }],
  ['mask:card;keepLast=4;with=xx', { card: '4111111111111111' }, { card: 'xx1111' }],
  [{ mask: { fields: 'tags', keepFirst: 1 } }, { tags: ['abc', 'd', 7, null] }, { tags: ['a***', '***', '***', null] }],
  ['hash:email', { email: 'a@b.c' }, { email: sha256('a@b.c') }],
  ['hash:id', { id: 9007199254740993n }, { id: sha256('9007199254740993') }],
  [
    { hash: { fields: ['email'], secret: 'pepper' } },
    { email: 'a@b.c' },
    { email: createHmac('sha256', 'p').update('a@b.c').digest('hex') },
  ],
  [
    'cast:a=int,b=long,c=double,d=string',
    { a: '7', b: '9007199254740993', c: '1.5', d: 2n ** 60n },
    {
      a: 7,
      b: 9007199254740993n,
      c: 1.5,
      d: '1152921504606846976',
    },
  ],
  [
    { cast: { t: 'timestamp', u: 'timestamp', v: 'boolean', w: 'decimal', x: 'json' } },
    { t: '2024-02-29T12:00:00+01:00', u: 5, v: 'TRUE', w: 12.5, x: '{"a":9007199254740993}' },
    { t: new Date('2024-02-29T11:00:00Z'), u: new Date(5), v: true, w: '12.5', x: { a: 9007199254740993n } },
  ],
  ['flatten', { a: { b: { c: 1 }, d: [{ e: 1 }] }, f: null }, { a_b_c: 1, a_d: [{ e: 1 }], f: null }],
  ['flatten:a;separator=.', { a: { b: { c: 1 } }, d: { e: 1 } }, { 'a.b.c': 1, d: { e: 1 } }],
  [
    'phone:phones;country=de',
    { phones: ['030 123456', '+44 20 7946 0018'] },
    { phones: ['+4930123456', '+442079460018'] },
  ],
  ['phone:phone;invalid=null', { phone: '12' }, { phone: null }],
  ['phone:phone;invalid=keep', { phone: 'x' }, { phone: 'x' }],
  ['jsonata:{ "total": $sum(lines.price), "who": customer.name }', customer(), { total: 3.5, who: 'Ann' }],
  [
    { jsonata: '$merge([$, { "day": $substring(at, 0, 10) }])' },
    { at: new Date(0), big: 2n ** 60n },
    {
      at: '1970-01-01T00:00:00.000Z',
      big: '1152921504606846976',
      day: '1970-01-01',
    },
  ],
]

describe('transforms', () => {
  it.each(titled(CASES))('%s', async (_, transform, before, after) => {
    expect(await resultOf(transform, before)).toEqual(after)
  })

  it('leave what the connector handed over as it is', async () => {
    const before = customer()
    await run(['drop:customer.phone', 'mask:lines.sku', 'rename:id=x', 'flatten'], before)
    expect(before).toEqual(customer())
  })

  it('filter by any expression, also over key, topic and properties', async () => {
    const passes = async (expression: string) =>
      (await run([{ filter: expression }], { amount: 12n, name: 'x' }, { key: 'k', properties: { p: 'v' } })).passed
    expect(await passes('amount > 10 and $key = "k"')).toBe(true)
    expect(await passes('amount > 100')).toBe(false)
    expect(await passes('absent.field')).toBe(false)
    expect(await passes('$properties.p = "v" and $contains($topic, "/in")')).toBe(true)
    await expect(passes('name')).rejects.toMatchObject({ code: 'PIO_TRANSFORM', retry: 'reject' })
  })

  it('stop at the filter that keeps a record back', async () => {
    expect(await run(['filter:false', 'cast:a=int'], { a: 'x' })).toMatchObject({ passed: false })
  })

  it('work on text and bytes that hold JSON, and give back the same', async () => {
    expect(await resultOf('drop:a', '{"a":1,"b":12345678901234567890}')).toBe('{"b":12345678901234567890}')
    expect(await resultOf('drop:a', Buffer.from('{"a":1,"b":2}'))).toEqual(Buffer.from('{"b":2}'))
    const untouched = Buffer.from('{ "b": 2 }')
    expect(await resultOf('drop:a', untouched)).toBe(untouched)
    expect((await run(['filter:$contains($, "x")'], 'no json, but an x')).passed).toBe(true)
  })

  it('change the key, of a tombstone as well, and of a KEY_VALUE record by its fields', async () => {
    expect(await run(['hash:$key', 'drop:a'], null, { key: 'k' })).toMatchObject({ value: null, key: sha256('k') })
    expect(await run(['drop:$key.ssn'], { a: 1 }, { key: '{}', keyValue: { id: 1, ssn: 'x' } })).toMatchObject({
      keyValue: { id: 1 },
      value: { a: 1 },
    })
    expect(await run(['filter:false', 'jsonata:1'], null)).toMatchObject({ value: null, passed: true })
  })

  it.each(titled(REFUSED))('reject what %s cannot handle', async (_, transform, value, message) => {
    const error: unknown = await run([transform], value, { key: 'k' }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'PIO_TRANSFORM', retry: 'reject', message: expect.stringContaining(message) })
    expect((error as Error).message).not.toContain('secret')
  })

  it.each([
    ['jsonata:($f := function($n) { $f($n) }; $f(1))', 'D1012'],
    ['jsonata:($f := function($n) { $n + $f($n) }; $f(1))', 'D1011'],
    ['jsonata:[1..9999999]', 'D2014'],
  ])('bound what an expression may take: %s', async transform => {
    await expect(run([transform], {})).rejects.toMatchObject({ code: 'PIO_TRANSFORM', retry: 'reject' })
  })

  it('are checked before anything starts, all of them at once, with their place', async () => {
    const error: unknown = await compileTransforms(
      [
        'drp:a',
        { drop: [] },
        { mask: { fields: 'a', keepLst: 4 } },
        'cast:a=longg',
        'filter:a >',
        'phone:a;country=Germany',
        'rename:a=$key',
        'keep:a[0]',
        { drop: 'a', keep: 'b' },
        '{"drop":',
        'hash:a;secret=absent',
        'drop:a..b',
        'rename:a',
      ],
      services,
    ).catch((thrown: unknown) => thrown)
    expect((error as Error).message.split('\n')).toEqual([
      expect.stringMatching(/^transforms\[0\]: no transform "drp"; there are .*; did you mean drop\?$/),
      expect.stringMatching(/^transforms\[1\]\.drop\.fields: name at least one field/),
      expect.stringMatching(/^transforms\[2\]\.mask\.keepLst: .*did you mean keepLast\?/),
      expect.stringMatching(/^transforms\[3\]\.a: must be one of .*, got "longg"; did you mean long\?$/),
      expect.stringMatching(/^transforms\[4\]: not JSONata: .* at character \d+/),
      expect.stringMatching(/^transforms\[5\]\.country: must be a country of two letters/),
      expect.stringMatching(/^transforms\[6\]\.a: a field cannot move between key and value/),
      expect.stringMatching(/^transforms\[7\]\.fields\[0\]: a\[0\]: an item of a list cannot be kept alone/),
      expect.stringMatching(/^transforms\[8\]: must have one key/),
      expect.stringMatching(/^transforms\[9\]: not JSON/),
      expect.stringMatching(/^transforms\[10\]\.secret: the secrets of this connector have no absent/),
      expect.stringMatching(/^transforms\[11\]\.fields\[0\]: "a\.\.b" is no path/),
      expect.stringMatching(/^transforms\[12\]: must be name=value/),
    ])
  })
})
