// What the clients ask, the same for all of them.
export const openings = /* GraphQL */ `
  query Openings($provider: ID!, $kind: ID!, $from: DateTime!, $to: DateTime!) {
    node(id: $provider) {
      __typename
      id
      ... on Provider {
        slots(visitKindId: $kind, from: $from, to: $to, first: 50) {
          streamCursor
          edges { node { __typename id version status start remaining } }
        }
      }
    }
  }
`

export const book = /* GraphQL */ `
  mutation Book($input: BookAppointmentInput!) {
    bookAppointment(input: $input) {
      replayed
      appointment { __typename id version status start }
      errors {
        __typename
        ... on UserError { code message path retryable }
        ... on SlotTakenError { alternatives(limit: 2) { __typename id start } }
      }
    }
  }
`

export const cancel = /* GraphQL */ `
  mutation Cancel($input: CancelAppointmentInput!) {
    cancelAppointment(input: $input) {
      appointment { __typename id version status }
      errors { __typename ... on UserError { code message } }
    }
  }
`

export const slotChanges = /* GraphQL */ `
  subscription SlotChanges($provider: ID!, $after: String) {
    availabilityChanged(scope: { providerIds: [$provider] }, after: $after) {
      __typename
      ... on StreamEvent { cursor occurredAt }
      ... on SlotsChanged { slots { __typename id version status start remaining } removedSlotIds }
      ... on StreamReset { reason }
    }
  }
`

export const visitChanges = /* GraphQL */ `
  subscription VisitChanges($after: String) {
    appointmentChanged(after: $after) {
      __typename
      ... on StreamEvent { cursor occurredAt }
      ... on AppointmentChanged { appointment { __typename id version status start } }
      ... on StreamReset { reason }
    }
  }
`

export const unknownField = 'query Wrong { node(id: "x") { id nonsense } }'

export const visits = '{ appointments(first: 1) { edges { node { id } } } }'

export const issueTicket = /* GraphQL */ `
  mutation IssueTicket($input: IssueStreamTicketInput!) {
    issueStreamTicket(input: $input) { ticket expiresAt errors { ... on UserError { code message } } }
  }
`
