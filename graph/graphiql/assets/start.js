'use strict';

// A first query that works without a token: where one can go, whom one can see, and for what.
const firstQuery = `# Everybody may read the directory and free slots. To hold or book, open "Headers" below and paste a token:
#   { "Authorization": "Bearer …" }

query WhereToGo {
  locations(first: 5) {
    edges { node { id name addressLines timeZone } }
  }
  providers(first: 5) {
    edges { node { id name visitKinds { id name duration } } }
  }
}

# Then put two of the ids into this one:
# query WhenToGo($provider: ID!, $visitKind: ID!, $from: DateTime!, $to: DateTime!) {
#   node(id: $provider) {
#     ... on Provider {
#       slots(visitKindId: $visitKind, from: $from, to: $to, first: 10) {
#         edges { node { id localStart timeZone remaining } }
#       }
#     }
#   }
# }

# And follow what becomes free or taken there, live (run it, and stop it with the same button):
# subscription Watch($provider: ID!) {
#   availabilityChanged(scope: { providerIds: [$provider] }) {
#     ... on StreamEvent { cursor }
#     ... on SlotsChanged { slots { id localStart status version } removedSlotIds }
#     ... on StreamReset { reason }
#   }
# }
`;

const ask = GraphiQL.createFetcher({ url: '/graphql' });

function subscribes(params, options) {
  return (options?.documentAST?.definitions ?? []).some(
    (d) => d.operation === 'subscription' && (!params.operationName || d.name?.value === params.operationName),
  );
}

// The answers of a subscription, as they come (graphql-sse, distinct connections).
async function* answers(params, headers, signal) {
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: { ...headers, 'Content-Type': 'application/json', Accept: 'text/event-stream' },
    body: JSON.stringify(params),
    signal,
  });
  if (!response.headers.get('Content-Type')?.startsWith('text/event-stream')) {
    yield await response.json();
    return;
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let read = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    read += value;
    for (let end = read.indexOf('\n\n'); end >= 0; end = read.indexOf('\n\n')) {
      const lines = read.slice(0, end).split('\n');
      read = read.slice(end + 2);
      if (lines.includes('event: complete')) return;
      const data = lines.find((l) => l.startsWith('data: {'));
      if (data) yield JSON.parse(data.slice('data: '.length));
    }
  }
}

// Stopping ends the request at once, though the next answer may be long in coming.
function follow(params, headers) {
  const stop = new AbortController();
  const stream = answers(params, headers, stop.signal);
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => stream.next(),
    return() {
      stop.abort();
      return Promise.resolve({ done: true, value: undefined });
    },
  };
}

ReactDOM.createRoot(document.getElementById('graphiql')).render(
  React.createElement(GraphiQL, {
    fetcher: (params, options) => (subscribes(params, options) ? follow(params, options?.headers) : ask(params, options)),
    defaultQuery: firstQuery,
    defaultHeaders: '{\n  "Authorization": ""\n}',
    isHeadersEditorEnabled: true,
    shouldPersistHeaders: false, // a token stays in the page
  }),
);
