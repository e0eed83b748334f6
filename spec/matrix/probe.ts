/**
 * Run by a cell's Node in the cell's tree, with the drivers it must have for arguments: prints the versions of
 * each, or why it cannot be used, a line each; exits with 1 if one cannot.
 */
import { connect } from 'forklite'
import type { DriverName } from '../../lib/drivers/driver.ts'
import { resolveDrivers } from '../../lib/pool/driver-path.ts'

for (const driver of process.argv.slice(2) as DriverName[]) {
  try {
    const connection = await connect(':memory:', { driver })
    const [[sqlite]] = (await connection.execute('select sqlite_version()').fetchall()) as [[string]]
    await connection.close()
    const [candidate] = resolveDrivers(driver)
    console.log(`  ${driver} ${candidate!.version}, SQLite ${sqlite}`)
  } catch (error) {
    console.log(`  ${driver} CANNOT BE USED: ${(error as Error).message}`)
    process.exitCode = 1
  }
}
