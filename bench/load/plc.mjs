// A PLC directory on loopback, in memory: node plc.mjs PORT. Ends with SIGTERM.
process.env.LOG_ENABLED = 'false'
const { PlcServer, Database } = (await import('@did-plc/server')).default

const directory = PlcServer.create({ db: Database.mock(), port: Number(process.argv[2]) })
const listen = directory.app.listen.bind(directory.app)
directory.app.listen = (port, ...rest) => listen(port, '127.0.0.1', ...rest)
await directory.start()
