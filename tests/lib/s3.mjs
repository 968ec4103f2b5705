// An S3 store of its own, for servers that keep blobs in one.
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import S3rver from 's3rver'
import { freePort } from './net.mjs'

/** Starts it, with one bucket. `env` is what a PDS needs to use it; `files()` are the keys in it. */
export async function startS3() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'journey-s3-'))
  const port = await freePort()
  const requests = []
  let isClosed = false
  const server = new S3rver({
    address: '127.0.0.1',
    port,
    silent: true,
    directory: folder,
    configureBuckets: [{ name: 'blobs-of-roost', configs: [] }],
  })
  server.middleware.unshift(async (ctx, next) => {
    await next()
    requests.push({ method: ctx.method, path: ctx.path, status: ctx.status })
  })
  await server.run()
  const bucket = path.join(folder, 'blobs-of-roost')
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    env: {
      PDS_BLOBSTORE_DISK_LOCATION: undefined,
      PDS_BLOBSTORE_S3_BUCKET: 'blobs-of-roost',
      PDS_BLOBSTORE_S3_REGION: 'us-east-1',
      PDS_BLOBSTORE_S3_ENDPOINT: `http://127.0.0.1:${port}`,
      PDS_BLOBSTORE_S3_FORCE_PATH_STYLE: 'true',
      PDS_BLOBSTORE_S3_ACCESS_KEY_ID: 'S3RVER',
      PDS_BLOBSTORE_S3_SECRET_ACCESS_KEY: 'S3RVER',
    },
    files: () =>
      fs
        .readdirSync(bucket, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name.endsWith('_object'))
        .map((entry) => path.relative(bucket, path.join(entry.parentPath, entry.name))),
    async close() {
      if (isClosed) return
      isClosed = true
      const closed = server.close()
      server.httpServer?.closeAllConnections() // a PDS keeps its own open
      await closed
      fs.rmSync(folder, { recursive: true, force: true })
    },
  }
}
