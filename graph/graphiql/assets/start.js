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
`;

ReactDOM.createRoot(document.getElementById('graphiql')).render(
  React.createElement(GraphiQL, {
    fetcher: GraphiQL.createFetcher({ url: '/graphql', subscriptionUrl: `${location.origin.replace(/^http/, 'ws')}/graphql` }),
    defaultQuery: firstQuery,
    defaultHeaders: '{\n  "Authorization": ""\n}',
    isHeadersEditorEnabled: true,
    shouldPersistHeaders: false, // a token stays in the page
  }),
);
