// The disk of a server, made by faulty_disk.c: it fails on purpose, and loses power.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'

// The records of the log, as in faulty_disk.c.
const HEAD = 48
const [OPENED, CREATED, WRITTEN, TRUNCATED, SYNCED, FOLDER_SYNCED, LINKED, UNLINKED, RENAMED, MADE_FOLDER, CUT] =
  Array.from({ length: 11 }, (_, i) => i + 1)
const UNDONE = 100
const WORDS = ['spaceLeft', 'writeErrno', 'fsyncsLeft', 'fsyncIsALie', 'refused']
const HEALTHY = { spaceLeft: -1, writeErrno: 0, fsyncsLeft: -1, fsyncIsALie: 0, refused: 0 }
const SECTOR = 512

function* recordsOf(log) {
  for (let at = 0; at + HEAD <= log.length; ) {
    const [kind, file] = [log.readUInt32LE(at), log.readUInt32LE(at + 4)]
    const [number, offset, sizeBefore] = [8, 16, 24].map((i) => Number(log.readBigInt64LE(at + i)))
    const sizes = [40, 44, 32, 36].map((i) => log.readUInt32LE(at + i)) // name, other name, before, written
    const pieces = []
    at += HEAD
    for (const size of sizes) pieces.push(log.subarray(at, (at += size)))
    if (at > log.length) return // cut off by the kill: it was not done
    const [name, other, before, bytes] = pieces
    yield { kind, file, number, offset, sizeBefore, name: name.toString(), other: other.toString(), before, bytes }
  }
}

export class Disk {
  /** `folder` is for the disk's own files; `data` is the folder whose disk this is. */
  constructor(folder, data) {
    fs.mkdirSync(folder)
    const own = (name) => path.join(folder, name)
    this.data = data
    this.log = own('log')
    this.kept = own('kept')
    this.control = own('control')
    this.set({})
  }

  /** What the server's process gets, beside the library itself. */
  environment() {
    return { FAULTS_BELOW: this.data, FAULTS_LOG: this.log, FAULTS_CONTROL: this.control, FAULTS_KEPT: this.kept }
  }

  /** Before each start: all that is there counts as safe. */
  begin() {
    fs.rmSync(this.kept, { recursive: true, force: true })
    fs.mkdirSync(this.kept)
    fs.writeFileSync(this.log, '')
  }

  /** From now on, also for a server that runs. What is not said is healthy. */
  set(words) {
    const bytes = Buffer.alloc(8 * WORDS.length)
    WORDS.forEach((word, i) => bytes.writeBigInt64LE(BigInt({ ...HEALTHY, ...words }[word]), 8 * i))
    fs.writeFileSync(this.control, bytes, { flag: fs.existsSync(this.control) ? 'r+' : 'w' })
  }

  /** How many writes were refused since set(). */
  refused() {
    return Number(fs.readFileSync(this.control).readBigInt64LE(8 * WORDS.indexOf('refused')))
  }

  /**
   * The server is dead, and now the power goes: of what was not synced, `survives()` says piece for piece
   * what is on the disk. `tears` lets it say so for each sector of a write. Gives what there was, in words.
   */
  losePower({ survives, tears = false }) {
    const { files, names, changes } = this.#unsynced()
    const nameOf = (file) => file.keptAs ?? [...names].find(([, one]) => one === file)?.[0]
    let writes = 0
    for (const file of files) {
      writes += file.ops.length
      if (file.ops.length && nameOf(file)) rewrite(nameOf(file), file.ops, survives, tears)
    }
    const lost = this.#rename(names, changes, survives)
    for (const entry of fs.readdirSync(this.data)) if (entry.endsWith('-shm')) fs.rmSync(path.join(this.data, entry))
    return `${writes} unsynced writes, ${changes.length} unsynced names of which ${lost} are lost`
  }

  /**
   * What the log says: the files with their unsynced writes; what stands under each name that it knows;
   * the unsynced changes of names, each with what stood there before.
   */
  #unsynced() {
    const files = new Set()
    const opened = new Map() // number of an opening → file
    const names = new Map()
    let changes = []
    const fileAt = (name) => {
      if (!names.get(name)) names.set(name, { ops: [], folder: undefined, keptAs: undefined })
      files.add(names.get(name))
      return names.get(name)
    }
    const change = (number, set) => {
      changes.push({ number, set, was: new Map([...set.keys()].map((name) => [name, names.get(name) ?? null])) })
      for (const [name, file] of set) names.set(name, file)
    }
    const keep = (name, number) => {
      const kept = path.join(this.kept, String(number))
      if (fs.existsSync(kept)) fileAt(name).keptAs = kept
    }
    for (const { file, ...record } of recordsOf(fs.readFileSync(this.log))) {
      const { kind, number, name, other } = record
      if (kind === CREATED) change(number, new Map([[name, null]]))
      if (kind === OPENED || kind === CREATED) {
        opened.set(file, fileAt(name))
        opened.get(file).folder = name // should it be one
        if (kind === CREATED) changes.at(-1).set.set(name, fileAt(name))
      } else if (kind === WRITTEN || kind === TRUNCATED || kind === CUT) opened.get(file).ops.push(record)
      else if (kind === SYNCED) opened.get(file).ops = opened.get(file).ops.filter((op) => op.number > record.offset)
      else if (kind === FOLDER_SYNCED) {
        const { folder } = opened.get(file)
        changes = changes.filter((one) => one.number > record.offset || ![...one.set.keys()].some((n) => path.dirname(n) === folder))
      } else if (kind === LINKED) change(number, new Map([[other, fileAt(name)]]))
      else if (kind === UNLINKED) {
        keep(name, number)
        fileAt(name)
        change(number, new Map([[name, null]]))
      } else if (kind === RENAMED) {
        keep(other, number)
        change(number, new Map([[other, fileAt(name)], [name, null]]))
      } else if (kind === MADE_FOLDER) change(number, new Map([[name, { ops: [], folder: name }]]))
      else if (kind > UNDONE) for (const [one, was] of changes.pop().was) names.set(one, was)
      else assert.fail(`a record of kind ${kind}`)
    }
    return { files, names, changes }
  }

  /** Gives the names the files that they have on the disk; how many changes are lost. */
  #rename(names, changes, survives) {
    const wanted = new Map()
    let lost = 0
    for (const { set, was } of changes) {
      for (const [name, file] of was) if (!wanted.has(name)) wanted.set(name, file)
      if (survives()) for (const [name, file] of set) wanted.set(name, file)
      else lost++
    }
    // Every file that loses a name has another one first.
    for (const [i, name] of [...wanted.keys()].entries()) {
      const file = names.get(name)
      if (!file || file === wanted.get(name) || fs.lstatSync(name).isDirectory()) continue
      file.keptAs = path.join(this.kept, `r${i}`)
      fs.linkSync(name, file.keptAs)
    }
    const source = (file) => file.keptAs ?? [...names].find(([, one]) => one === file)[0]
    for (const [name, file] of [...wanted].sort(([a], [b]) => b.length - a.length)) {
      if (file === (names.get(name) ?? null)) continue
      fs.rmSync(name, { recursive: true, force: true })
      if (file && fs.existsSync(path.dirname(name))) fs.linkSync(source(file), name)
    }
    return lost
  }
}

/** Takes back what was not synced, and lets a part of it be there after all. */
function rewrite(name, ops, survives, tears) {
  const file = fs.openSync(name, 'r+')
  const put = (bytes, at) => bytes.length && fs.writeSync(file, bytes, 0, bytes.length, at)
  for (const op of ops.toReversed()) {
    if (op.kind !== TRUNCATED) put(op.before, op.offset)
    fs.ftruncateSync(file, op.sizeBefore)
  }
  for (const op of ops) {
    if (op.kind === TRUNCATED && survives()) fs.ftruncateSync(file, op.offset)
    if (op.kind !== WRITTEN) continue
    if (!tears) {
      if (survives()) put(op.bytes, op.offset)
      continue
    }
    for (let from = 0; from < op.bytes.length; ) {
      const to = Math.min(op.bytes.length, from + SECTOR - ((op.offset + from) % SECTOR))
      if (survives()) put(op.bytes.subarray(from, to), op.offset + from)
      from = to
    }
  }
  fs.closeSync(file)
}
