import chromium from '@sparticuz/chromium'
import puppeteer, { type Browser, type Page } from 'puppeteer-core'

/** The Chromium of the package is built for this; elsewhere CHROMIUM_PATH names one. */
export const hasBrowser =
  process.env.CHROMIUM_PATH !== undefined || (process.platform === 'linux' && process.arch === 'x64')

/** Starts a Chromium without a window. */
export async function startBrowser(): Promise<Browser> {
  const executablePath = process.env.CHROMIUM_PATH ?? (await chromium.executablePath())
  const args = [...chromium.args, '--no-sandbox', '--lang=en-US']
  // Where a machine has no language, the browser's name for that is none that its own Intl knows.
  const env = { ...process.env, LANG: 'en_US.UTF-8', LC_ALL: 'en_US.UTF-8' }
  return puppeteer.launch({ executablePath, headless: 'shell', args, env })
}

/** A page, and everything that it should not have done: errors, lines on its console, requests to elsewhere. */
export interface WatchedPage {
  readonly page: Page
  readonly complaints: readonly string[]
}

/** Opens a page whose complaints are kept. Answers of 4xx that a test provokes are complaints, too. */
export async function openPage(browser: Browser, url: string): Promise<WatchedPage> {
  const page = await browser.newPage()
  const complaints: string[] = []
  page.on('pageerror', error => complaints.push(String(error)))
  page.on('console', message => {
    if (message.type() === 'error' || message.type() === 'warn') complaints.push(message.text())
  })
  page.on('request', request => {
    if (new URL(request.url()).origin !== new URL(url).origin) complaints.push(`a request to ${request.url()}`)
  })
  await page.setViewport({ width: 1000, height: 700 })
  await page.goto(url)
  return { page, complaints }
}
