import { rmSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'puppeteer-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildConsole } from '../../../../tooling/bundle/console.ts'
import { packConnector } from '../../../../tooling/pack/pack-connector.ts'
import type { Worker } from '../../src/index.ts'
import { call, eventually, Place, probe, statuses } from '../support.ts'
import { hasBrowser, openPage, startBrowser } from './browser.ts'

const FILE = fileURLToPath(new URL('../../../../connectors/file', import.meta.url))
const IMAGES = fileURLToPath(new URL('../../../../docs/images', import.meta.url))
const SINK = '/admin/v3/sinks/public/default'
/** Whether to take the pictures of the documentation anew: SCREENSHOTS=1. */
const PICTURES = process.env.SCREENSHOTS !== undefined

let place: Place
let worker: Worker
beforeAll(async () => {
  place = new Place()
  await packConnector(FILE, place.path('file.tgz'))
  await buildConsole(place.path('console'))
  worker = await place.worker({ consoleDir: place.path('console') })
})
afterAll(() => place.close())

describe('the files of the console', () => {
  it('are the page and what it names, with a policy that lets nothing else in', async () => {
    const { status, headers, body } = await call(worker, 'GET', '/')
    expect([status, headers.get('content-type'), headers.get('cache-control')]).toEqual([
      200,
      'text/html; charset=utf-8',
      'no-cache',
    ])
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'self';/)
    const assets = [...String(body).matchAll(/(?:src|href)="\.(\/assets\/[^"]+)"/g)].map(([, path]) => path ?? '')
    expect(assets.map(path => path.replace(/^.*\./, '')).sort()).toEqual(['css', 'js', 'svg'])
    for (const path of assets) {
      const asset = await call(worker, 'GET', path)
      expect([asset.status, asset.headers.get('cache-control')]).toEqual([200, 'public, max-age=31536000, immutable'])
      expect(asset.headers.get('content-type')).toMatch(/^(text\/(css|javascript); charset=utf-8|image\/svg\+xml)$/)
    }
  })

  it.each(['/assets/', '/assets/../index.html', '/assets/%2e%2e/file.tgz', '/index.html', '/THIRD-PARTY-LICENSES.txt'])(
    'are no others: %s',
    async path => {
      expect((await call(worker, 'GET', path)).status).toBe(404)
    },
  )
})

describe('the schema of a connector', () => {
  it('is the one of its manifest, of a built-in and of one that runs', async () => {
    const builtin = await call(worker, 'GET', '/admin/v3/sinks/builtinsinks/file/schema')
    expect(builtin.body).toMatchObject({ type: 'object', required: ['path'], properties: { path: { type: 'string' } } })
    const config = { archive: 'builtin://file', inputs: ['x'], configs: { path: place.path('schema.ndjson') } }
    await call(worker, 'POST', `${SINK}/schema-of`, config)
    expect((await call(worker, 'GET', `${SINK}/schema-of/schema`)).body).toEqual(builtin.body)
    await call(worker, 'DELETE', `${SINK}/schema-of`)
    expect((await call(worker, 'GET', `${SINK}/schema-of/schema`)).status).toBe(404)
    expect((await call(worker, 'GET', '/admin/v3/sinks/builtinsinks/none/schema')).status).toBe(404)
  })
})

describe.skipIf(!hasBrowser)('the console in a Chromium', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await startBrowser()
  })
  afterAll(() => browser?.close())

  it('makes a connector, shows how it is, stops, starts and changes it', { timeout: 180_000 }, async () => {
    const { page, complaints } = await openPage(browser, `${worker.url}/`)
    await text(page, 'main', /Nothing runs in this namespace/)

    // A form from the schema, with what is wrong at its fields.
    await press(page, 'a ::-p-text(New sink)')
    await page.locator('::-p-aria([name="Name"][role="textbox"])').fill('orders')
    await page.locator('main .bar select').fill('file')
    await text(page, field('configs.path'), /File to append to/)
    await page.locator(`${field('configs.maxSize')} input`).fill('much')
    await text(page, `${field('configs.maxSize')} .wrong`, /must be a number, such as 10 MB; not much/)
    await page.locator(`${field('inputs')} textarea`).fill('orders')
    await page.locator(`${field('sourceSubscriptionPosition')} select`).fill('Earliest')
    await page.$eval(field('configs.path'), element => element.scrollIntoView())
    await picture(page, 'console-form')
    await press(page, 'button ::-p-text(Create)')
    await text(page, `${field('configs.path')} .wrong`, /^required$/)
    expect((await call(worker, 'GET', SINK)).body).toEqual([])
    await page.locator(`${field('configs.path')} input`).fill(place.path('out.ndjson'))
    await page.locator(`${field('configs.maxSize')} input`).fill('10 MB')
    await press(page, 'button ::-p-text(Create)')

    // Its page.
    await text(page, 'h2', /^orders sink$/)
    await text(page, 'main .bar .state', /^running$/)
    await place.produce('orders', ...Array.from({ length: 50 }, (_, i) => `{"order":${i}}`))
    await text(page, 'tbody', /0\s*running\s*50\s*50/)
    expect(await page.$$eval('.uplot canvas', found => found.length)).toBe(3)
    await text(page, 'pre', /"maxSize": "10 MB"/)
    await text(page, '.log', /./)
    if (PICTURES) await traffic()
    await picture(page, 'console-connector')

    await press(page, 'button ::-p-text(Pause)')
    await text(page, 'main .bar .state', /^paused$/)
    await press(page, 'button ::-p-text(Resume)')
    await text(page, 'main .bar .state', /^running$/)
    // Stopping asks, and Escape says no.
    await press(page, 'button ::-p-text(Stop…)')
    await text(page, 'dialog', /Stop orders\?/)
    await page.keyboard.press('Escape')
    await page.waitForFunction('document.querySelector("dialog") === null')
    expect((await statuses(worker, 'orders'))[0]?.state).toBe('running')
    await press(page, 'button ::-p-text(Stop…)')
    await press(page, 'dialog button ::-p-text(Stop)')
    await text(page, 'main .bar .state', /^stopped$/)
    await press(page, 'button ::-p-text(Start)')
    await text(page, 'main .bar .state', /^running$/)

    // A change keeps what it does not touch, and the way it was written.
    await press(page, 'a ::-p-text(Edit)')
    await text(page, field('configs.maxSize'), /./)
    expect(await page.$eval(`${field('inputs')} textarea`, input => input.hasAttribute('disabled'))).toBe(true)
    await page.locator(`${field('configs.format')} select`).fill('lines')
    await press(page, 'button ::-p-text(Save)')
    await text(page, 'pre', /"format": "lines"/)
    expect((await call(worker, 'GET', `${SINK}/orders`)).body).toMatchObject({
      inputs: ['orders'],
      configs: { path: place.path('out.ndjson'), maxSize: '10 MB', format: 'lines' },
    })

    // The list.
    await call(worker, 'POST', '/admin/v3/sources/public/default/readings', {
      archive: 'builtin://file',
      topicName: 'readings',
      configs: { path: place.path('out.ndjson'), follow: true },
    })
    await press(page, 'h1 a')
    await text(page, 'tbody', /orders\s*sink\s*running\s*1\/1[\s\S]*readings\s*source\s*running/)
    if (PICTURES) await traffic()
    await page.setViewport({ width: 1000, height: 250 })
    await picture(page, 'console-list')
    await page.locator('input[type=search]').fill('source run')
    await page.waitForFunction('document.querySelectorAll("tbody tr").length === 1')
    expect(complaints).toEqual([])
    await page.close()
  })

  it('makes a connector of an archive that is chosen by keyboard, and replaces it', async () => {
    await mkdir(place.path('mine'))
    writeFileSync(place.path('mine/own.tgz'), probe('2.0.0', 'from an own archive'))
    writeFileSync(place.path('mine/other.nar'), 'PK\u0003\u0004')
    const { page, complaints } = await openPage(browser, `${worker.url}/#/public/default/sinks/+`)
    const choose = async (path: string) => {
      await page.focus('main .bar input[type=file]')
      const [chooser] = await Promise.all([page.waitForFileChooser(), page.keyboard.press('Space')])
      await chooser.accept([path])
    }
    await page.locator('::-p-aria([name="Name"][role="textbox"])').fill('uploaded')
    await choose(place.path('mine/other.nar'))
    await text(page, 'main .problem[role=alert]', /zip file, such as a NAR/)
    await choose(place.path('mine/own.tgz'))
    await text(page, 'main', /probe 2\.0\.0: Does what it is told\./)
    // Another choice replaces it, and the other way round.
    await page.locator('main .bar select').fill('file')
    await text(page, field('configs.path'), /File to append to/)
    await choose(place.path('mine/own.tgz'))
    await text(page, field('configs.file'), /Where to write/)
    await page.locator(`${field('inputs')} textarea`).fill('uploads')
    await page.locator(`${field('configs.file')} input`).fill(place.path('uploaded-out'))
    await press(page, 'button ::-p-text(Create)')
    await text(page, 'h2', /^uploaded sink$/)
    await text(page, 'main .bar .state', /^running$/)
    await text(page, '.log', /from an own archive/)
    const stored = async () => (await call(worker, 'GET', `${SINK}/uploaded`)).headers.get('x-pulsar-io-archive-sha256')
    const first = await stored()
    expect(first).toMatch(/^[0-9a-f]{64}$/)

    // Its next version takes its place.
    writeFileSync(place.path('mine/own.tgz'), probe('3.0.0', 'from its next version'))
    await press(page, 'a ::-p-text(Edit)')
    await text(page, field('configs.file'), /Where to write/)
    await choose(place.path('mine/own.tgz'))
    await text(page, 'main', /probe 3\.0\.0: Does what it is told\./)
    await press(page, 'button ::-p-text(Save)')
    await text(page, 'h2', /^uploaded sink$/)
    await text(page, '.log', /from its next version/)
    expect(await stored()).not.toBe(first)
    expect((await call(worker, 'GET', `${SINK}/uploaded`)).body).toMatchObject({
      inputs: ['uploads'],
      configs: { file: place.path('uploaded-out') },
    })
    expect(await place.uploads()).toEqual([])
    expect(complaints).toEqual([])
    await page.close()
  })

  it('shows dead letters, and replays them', async () => {
    writeFileSync(place.path('orders'), 'reject')
    await place.produce('in', 'a', 'b')
    await call(worker, 'POST', `${SINK}/refusing`, place.sink())
    await eventually(async () => (await statuses(worker, 'refusing'))[0]?.numDeadLettered === 2)
    const { page, complaints } = await openPage(browser, `${worker.url}/#/public/default/sinks/refusing`)
    await press(page, 'button ::-p-text(Look)')
    await text(page, '[aria-labelledby=dead-letters] tbody', /PIO_PROBE.*PIO_PROBE/)
    await page.locator('::-p-aria([name="Values"])').click()
    await press(page, 'button ::-p-text(Look)')
    await text(page, '[aria-labelledby=dead-letters] tbody', /PIO_PROBEa.*PIO_PROBEb/)
    rmSync(place.path('orders'))
    await press(page, 'button ::-p-text(Replay…)')
    await press(page, 'dialog button ::-p-text(Replay)')
    await text(page, '[aria-labelledby=dead-letters] [role=status]', /^2 replayed\.$/)
    await text(page, '[aria-labelledby=dead-letters]', /None waits/)
    await eventually(() => place.lines().length === 2, 'both are written')
    expect(complaints).toEqual([])
    await page.close()
  })

  it("shows the worker's problems at their fields", async () => {
    const { page, complaints } = await openPage(browser, `${worker.url}/#/public/default/sinks/+`)
    await page.locator('::-p-aria([name="Name"][role="textbox"])').fill('wrong')
    await page.locator('main .bar select').fill('probe')
    await page.locator(`${field('configs.file')} input`).fill(place.path('out'))
    await page.locator(`${field('deadLetterTopic')} input`).fill('a/b')
    await press(page, 'button ::-p-text(Create)')
    await text(page, `${field('inputs')} .wrong`, /^Must specify at least one topic/)
    await text(page, `${field('deadLetterTopic')} .wrong`, /./)
    await page.waitForFunction('document.activeElement.closest(".field")?.dataset.path === "inputs"')
    // The browser itself notes the answer 400.
    expect(complaints.filter(line => !/status of 400/.test(line))).toEqual([])
    await page.close()
  })

  it('never shows a secret, and keeps one that is not changed', async () => {
    const config = place.sink({ configs: { file: place.path('kept'), password: 'hunter2' } })
    expect((await call(worker, 'POST', `${SINK}/safe`, config)).status).toBe(204)
    const { page, complaints } = await openPage(browser, `${worker.url}/#/public/default/sinks/safe`)
    await text(page, 'pre', /"password": "\*\*\*"/)
    await text(page, '.log', /the password is \*\*\*/)
    await press(page, 'a ::-p-text(Edit)')
    expect(
      await page
        .locator(`${field('configs.password')} input`)
        .map(input => input.getAttribute('type'))
        .wait(),
    ).toBe('password')
    await page.locator(`${field('configs.size')} input`).fill('20')
    await press(page, 'button ::-p-text(Save)')
    await text(page, 'pre', /"size": 20/)
    await eventually(() => place.logs.filter(line => line.message === 'the password is ***').length >= 2)
    expect(await page.content()).not.toContain('hunter2')
    expect(complaints).toEqual([])
    await page.close()
  })

  it('works by keyboard alone, and names what it has', async () => {
    const { page } = await openPage(browser, `${worker.url}/#/public/default/sinks/+`)
    await page.locator('main .bar select').fill('file')
    await text(page, field('configs.path'), /./)
    const nameless = await page.evaluate(`[...document.querySelectorAll('input, select, textarea, button')]
      .filter(each => !(each.labels?.length > 0 || each.textContent.trim() !== '')).map(each => each.outerHTML)`)
    expect(nameless).toEqual([])
    const reached = new Set<unknown>()
    for (let i = 0; i < 40; i++) {
      await page.keyboard.press('Tab')
      reached.add(await page.evaluate('document.activeElement.closest("[data-path]")?.dataset.path'))
    }
    expect([...reached]).toEqual(expect.arrayContaining(['inputs', 'configs.path', 'configs.fsync']))
    await page.close()
  })

  it('is light or dark as the system is', async () => {
    const { page } = await openPage(browser, `${worker.url}/`)
    const back = () => page.evaluate('getComputedStyle(document.documentElement).backgroundColor')
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'light' }])
    const light = await back()
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }])
    expect([light, await back()]).toEqual(['rgb(255, 255, 255)', 'rgb(20, 23, 28)'])
    await page.close()
  })

  it('asks for credentials, keeps them for the tab, and forgets them', async () => {
    const guarded = await place.worker({
      consoleDir: place.path('console'),
      messaging: { url: `embedded:${place.path('guarded')}` },
      workDir: place.path('guarded-work'),
      auth: { basic: new Map([['ada', 'würde']]), superUserRoles: ['ada'] },
    })
    const { page, complaints } = await openPage(browser, `${guarded.url}/`)
    await page.locator('::-p-aria(User)').fill('ada')
    await page.locator('::-p-aria(Password)').fill('wrong')
    await press(page, 'button ::-p-text(Sign in)')
    await text(page, '.sign-in .problem', /wrong user or password/)
    await page.locator('::-p-aria(User)').fill('ada')
    await page.locator('::-p-aria(Password)').fill('würde')
    await press(page, 'button ::-p-text(Sign in)')
    await text(page, 'main', /Nothing runs in this namespace/)
    await page.reload()
    await text(page, 'main', /Nothing runs in this namespace/)
    await press(page, 'button ::-p-text(Sign out)')
    await text(page, '.sign-in', /Authentication required/)
    expect(await page.evaluate('sessionStorage.length + localStorage.length + document.cookie.length')).toBe(0)
    expect(complaints.filter(line => !/status of 401/.test(line))).toEqual([])
    await page.close()
    await guarded.close()
  })
})

function field(path: string): string {
  return `[data-path="${path}"]`
}

/** Clicks what a selector finds, once it is there. */
async function press(page: Page, selector: string): Promise<void> {
  await page.locator(selector).click()
}

/** Waits until an element has a text. */
async function text(page: Page, selector: string, wanted: RegExp): Promise<void> {
  const read = () => page.$$eval(selector, found => found[0]?.textContent ?? '')
  let last = ''
  await eventually(async () => {
    last = await read()
    return wanted.test(last)
  }).catch(error => {
    throw new Error(`${selector} says ${JSON.stringify(last.slice(0, 500))}, not ${wanted}`, { cause: error })
  })
}

/** Something for the charts to show. */
async function traffic(): Promise<void> {
  for (const records of [80, 220, 140, 300, 260, 40, 180, 120]) {
    await place.produce('orders', ...Array.from({ length: records }, (_, i) => `{"order":${i}}`))
    await new Promise(resolve => setTimeout(resolve, 2_000))
  }
}

/** Takes a picture for the documentation, where one is wanted. */
async function picture(page: Page, name: string): Promise<void> {
  if (!PICTURES) return
  await mkdir(IMAGES, { recursive: true })
  await page.screenshot({ path: `${IMAGES}/${name}.png` })
}
