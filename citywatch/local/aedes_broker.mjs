// Runs aedes on loopback: node aedes_broker.mjs PORT
import { createServer } from 'node:net'
import { Aedes } from 'aedes'

const broker = await Aedes.createBroker({ concurrency: 1000, queueLimit: 65535 })
createServer(broker.handle).listen(Number(process.argv[2]), '127.0.0.1')
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => broker.close(() => process.exit(0)))
}
