// Ozone, the moderation service: its server and the daemon that pushes takedowns to the PDS. Settings come as JSON in
// SETTINGS.
import { serve } from './listen.mjs'
import * as ozone from '@atproto/ozone'

const { plc, database, pds, appview, did, url, key, port, moderators } = JSON.parse(process.env.SETTINGS)
const environment = {
  devMode: true,
  version: 'journey',
  port,
  publicUrl: url,
  serverDid: did,
  signingKeyHex: key,
  didPlcUrl: plc,
  appviewUrl: appview.url,
  appviewDid: appview.did,
  appviewPushEvents: false,
  pdsUrl: pds.url,
  pdsDid: pds.did,
  dbPostgresUrl: database,
  dbPostgresSchema: 'ozone',
  dbPoolSize: 5,
  adminPassword: 'admin',
  adminDids: moderators,
  moderatorDids: [],
  triageDids: [],
}
const migrating = new ozone.Database({ url: database, schema: 'ozone' })
await migrating.migrateToLatestOrThrow()
await migrating.close()
const config = ozone.envToCfg(environment)
const secrets = ozone.envToSecrets(environment)
const server = await ozone.OzoneService.create(config, secrets)
await server.start()
const daemon = await ozone.OzoneDaemon.create(config, secrets)
await daemon.start()
serve()
