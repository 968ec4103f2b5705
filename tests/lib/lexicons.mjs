// Our lexicon documents, and a value that obeys any of their definitions.
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const FOLDER = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../lexicons')

/** Every document, by its id. */
export const documents = new Map(
  fs
    .readdirSync(FOLDER, { recursive: true })
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(fs.readFileSync(path.join(FOLDER, name))))
    .map((document) => [document.id, document]),
)

/** What a reference in the document `home` leads to, and the document that it stands in. */
export function follow(reference, home) {
  const [id, name = 'main'] = (reference.startsWith('#') ? home + reference : reference).split('#')
  return { definition: documents.get(id)?.defs[name], home: id, type: name === 'main' ? id : `${id}#${name}` }
}

const CID = 'bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a'
export const TID = '3jzfcijpj2z2a'
const DID = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'
const BY_FORMAT = {
  did: DID,
  'at-identifier': DID,
  handle: 'somebody.example',
  nsid: 'app.bsky.feed.post',
  'at-uri': `at://${DID}/app.bsky.feed.post/${TID}`,
  cid: CID,
  tid: TID,
  'record-key': TID,
  datetime: '2026-01-01T00:00:00.000Z',
  uri: 'https://site.example',
  language: 'en',
}

/**
 * A value for the definition: all properties of the outermost object, below it the required ones. Without
 * blobs, which would have to be uploaded: nothing stands for one, and for an object that needs one.
 */
export function sample(definition, home, depth = 0) {
  if (definition.const !== undefined) return definition.const
  if (definition.enum) return definition.enum[0]
  if (definition.type === 'string') return BY_FORMAT[definition.format] ?? definition.knownValues?.[0] ?? 'word'
  if (definition.type === 'integer') return definition.minimum ?? 1
  if (definition.type === 'boolean') return true
  if (definition.type === 'unknown') return { $type: 'org.example.thing' }
  if (definition.type === 'cid-link') return { $link: CID }
  if (definition.type === 'bytes') return { $bytes: 'AAEC' }
  if (definition.type === 'array') {
    const item = sample(definition.items, home, depth + 1)
    return item === undefined ? undefined : [item]
  }
  if (definition.type === 'ref' || definition.type === 'union') {
    const to = follow(definition.ref ?? definition.refs[0], home)
    if (!to.definition) return undefined
    const value = sample(to.definition, to.home, depth + 1)
    return definition.type === 'ref' || value === undefined ? value : { $type: to.type, ...value }
  }
  if (definition.type !== 'object') return undefined
  const value = {}
  for (const [name, property] of Object.entries(definition.properties ?? {})) {
    const isRequired = definition.required?.includes(name)
    if (!isRequired && depth > 0) continue
    value[name] = sample(property, home, depth + 1)
    if (value[name] !== undefined) continue
    if (isRequired) return undefined
    delete value[name]
  }
  return value
}
