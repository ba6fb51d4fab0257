// The reporter that the Go test reads: one line of JSON for each test, in the order in which they end.
export default async function* report(events) {
  for await (const { type, data } of events) {
    if (type !== 'test:pass' && type !== 'test:fail') continue
    const line = { name: data.name, failure: type === 'test:fail' ? told(data.details.error) : undefined, skipped: data.skip ?? data.todo }
    yield JSON.stringify(line) + '\n'
  }
}

function told(error) {
  const cause = error.cause ?? error
  return String(cause.stack ?? cause)
}
