// The served schema under graphql-eslint's own rules for schemas: https://the-guild.dev/graphql/eslint/docs
import test from 'node:test'
import { ESLint } from 'eslint'
import plugin from '@graphql-eslint/eslint-plugin'
import { buildSchema, isObjectType } from 'graphql'
import { world } from './support/world.mjs'

// Types without an id: nobody fetches one by itself, or keeps it in a cache but with what it belongs to.
const values = {
  'values of the object that has them': [
    'ApiClientKey', 'ApiClientSecret', 'AppointmentActionState', 'BookingPolicy', 'BookingWarning', 'Cancellation', 'ClosureProgress', 'Coding', 'ContactChannel', 'ContactPreferences', 'GeoPoint', 'Identifier', 'LinkedAccount', 'LocalTimeRange', 'Money', 'Prerequisite', 'QuietHours', 'ReminderAttempt', 'ReminderRule', 'ReminderRuleSet', 'RoleGrant', 'RuleOverride', 'ScheduleRepeat', 'TravelRoute', 'TravelRules',
    'SlotExplanation', 'WaitlistPass', 'WaitlistRules', 'WaitlistWish', 'WeeklyHours',
  ],
  'what was asked for, and how it stands now': ['AvailabilityCalendar', 'AvailabilityDay', 'ClosurePreview', 'ConflictComparison', 'ConflictDetectionReport', 'ConflictDisagreement', 'ConflictFallback', 'ConflictLatency', 'ConflictRuleCount', 'Deprecation', 'FeatureState', 'ReminderCause', 'ReminderFunnel', 'ReminderHour', 'ReplayOutcomeCount', 'SeriesDate', 'ServiceInfo'],
  'events, which a cursor names': ['AppointmentChanged', 'SlotsChanged', 'StreamReady', 'StreamReset', 'WaitlistOfferChanged'],
  'what is shown once, to whom it is given': ['SessionTokens', 'SignInChallenge'],
  "Relay's own": ['PageInfo'],
}

const options = {
  '@graphql-eslint/strict-id-in-types': {
    acceptedIdNames: ['id'],
    acceptedIdTypes: ['ID'],
    exceptions: { types: Object.values(values).flat(), suffixes: ['Payload', 'Error', 'Connection', 'Edge'] },
  },
  // Stricter than the rule is by itself.
  '@graphql-eslint/require-description': { types: true, DirectiveDefinition: true, FieldDefinition: true, rootField: true },
  // Lists that can't grow, such as the hours of a week, are lists. Those that can are connections.
  '@graphql-eslint/relay-edge-types': { withEdgeSuffix: true, shouldImplementNode: true, listTypeCanWrapOnlyEdgeType: false },
}

const without = [
  '@graphql-eslint/alphabetize', // fields stand in the order in which somebody reads them
  '@graphql-eslint/no-root-type', // forbids all mutations and subscriptions
]

for (const set of ['schema-recommended', 'schema-relay', 'schema-all']) {
  const rules = { ...plugin.configs[`flat/${set}`].rules }
  if (set === 'schema-all') for (const rule of without) delete rules[rule]
  for (const rule in rules) if (options[rule]) rules[rule] = ['error', options[rule]]
  const findings = await lint(rules)
  for (const rule in rules) {
    test(`${set} ${rule}`, () => {
      const found = findings.filter((f) => f.ruleId === rule || f.ruleId === null)
      if (found.length > 0) throw new Error(found.map((f) => `${f.line}:${f.column} ${f.message}`).join('\n'))
    })
  }
}

test('each type that needs no id is there, and has none', () => {
  const types = buildSchema(world.schema).getTypeMap()
  for (const [why, names] of Object.entries(values)) {
    for (const name of names) {
      if (!isObjectType(types[name]) || types[name].getFields().id) throw new Error(`${name} is none of ${why}`)
    }
  }
})

async function lint(rules) {
  const eslint = new ESLint({
    overrideConfigFile: true,
    overrideConfig: {
      files: ['**/*.graphql'],
      plugins: { '@graphql-eslint': plugin },
      languageOptions: { parser: plugin.parser, parserOptions: { graphQLConfig: { schema: world.schema } } },
      rules,
    },
  })
  const [result] = await eslint.lintText(world.schema, { filePath: 'mediconnect.graphql' })
  return result.messages
}
