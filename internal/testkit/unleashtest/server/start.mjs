// Starts Unleash as the first line of standard input says, tells its port in a line, and ends when standard input does: with whoever started it.
import { createInterface } from 'node:readline'
import { start } from 'unleash-server'

const input = createInterface({ input: process.stdin })
input.on('close', () => process.exit(0))
input.once('line', async (line) => {
  const { db, adminToken, clientToken } = JSON.parse(line)
  const unleash = await start({
    db,
    server: { host: '127.0.0.1', port: 0 },
    logLevel: 'error',
    versionCheck: { enable: false },
    telemetry: false,
    authentication: {
      createAdminUser: false,
      initApiTokens: [
        { environment: '*', projects: ['*'], secret: adminToken, type: 'admin', tokenName: 'admin' },
        { environment: 'production', projects: ['*'], secret: clientToken, type: 'client', tokenName: 'client' },
      ],
    },
  })
  console.log('listening on ' + unleash.server.address().port)
})
