import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Published data that are too large to ship; tests that need them are skipped where they are not. */
export const dataFolder = process.env.GAUNTLET_DATA ?? join(__dirname, '../../../shared/data')

export const hasData = existsSync(dataFolder)
