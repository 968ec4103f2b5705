// The reference server, as its own service starts it: everything comes from the environment.
import { PDS } from '@atproto/pds'

PDS.run().catch((problem) => {
  console.error(problem)
  process.exit(1)
})
