package privacy_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// private are the inputs that may hold a patient's data. Each must be sent with a canary in it, by a request that succeeds.
var private = []string{
	"RegisterPatientInput.givenName", "RegisterPatientInput.familyName", "RegisterPatientInput.birthDate", "RegisterPatientInput.phone",
	"RegisterPatientInput.email", "RegisterPatientInput.language", "RegisterPatientInput.timeZone",
	"PatientFilterInput.name", "PatientFilterInput.birthDate", "PatientFilterInput.phone", "PatientFilterInput.email",
	"IdentifierInput.value",
	"BookAppointmentInput.reason", "RuleOverrideInput.reason", "CancelAppointmentInput.note", "TransitionAppointmentInput.note", "BookSeriesInput.reason", "CancelSeriesInput.note", "AddScheduleExceptionInput.reason", "ClosePeriodInput.reason",
	"BreakGlassInput.reason", "ReviewBreakGlassInput.note", "PlaceLegalHoldInput.reason",
	"AcceptPatientInvitationInput.birthDate",
	"SignUpInput.email", "RequestPasswordResetInput.email", "InviteAccountInput.email", "InviteAccountInput.idempotencyKey",
	"VerifyEmailInput.password", "AcceptAccountInvitationInput.password", "ResetPasswordInput.newPassword",
	"SignInInput.email", "SignInInput.password", "ChangePasswordInput.currentPassword", "ChangePasswordInput.newPassword",
	"SetUpSecondFactorInput.currentPassword", "AccountFilterInput.email",
	"BookAppointmentInput.idempotencyKey", "RescheduleAppointmentInput.idempotencyKey", "CancelAppointmentInput.idempotencyKey", "SwapAppointmentsInput.idempotencyKey",
	"BookSeriesInput.idempotencyKey", "RescheduleSeriesInput.idempotencyKey", "CancelSeriesInput.idempotencyKey",
	"TransitionAppointmentInput.idempotencyKey", "HoldSlotInput.idempotencyKey", "AddScheduleExceptionInput.idempotencyKey", "ClosePeriodInput.idempotencyKey",
	"InvitePatientAccountInput.idempotencyKey", "BreakGlassInput.idempotencyKey", "PlaceLegalHoldInput.idempotencyKey", "CreateOrganizationInput.idempotencyKey",
	"JoinWaitlistInput.idempotencyKey", "AnswerWaitlistOfferInput.idempotencyKey", "CreateApiClientInput.idempotencyKey", "CreateApiKeyInput.idempotencyKey", "ReplayDeadLettersInput.idempotencyKey",
}

// rejected are those of them that hold nothing else than what the program made itself: a canary is sent, and refused. So are ids
// and cursors, all of them.
var rejected = []string{
	"AcceptPatientInvitationInput.code", "VerifyEmailInput.code", "AcceptAccountInvitationInput.code", "ResetPasswordInput.code",
	"AnswerSignInChallengeInput.challenge", "AnswerSignInChallengeInput.code", "RefreshSessionInput.refreshToken", "SignOutInput.refreshToken",
	"CompleteOpenIdSignInInput.state", "CompleteOpenIdSignInInput.code", "CompleteOpenIdSignInInput.issuer", "ReplaceRecoveryCodesInput.code",
}

// public are the inputs that can't hold a patient's data, by the reason why.
var public = map[string][]string{
	"the directory of a clinic, which is shown to everybody": {
		"CreateOrganizationInput.name", "PutLocationInput.name", "PutLocationInput.timeZone", "PutLocationInput.addressLines",
		"PutLocationInput.postalCode", "PutLocationInput.country", "PutLocationInput.phone", "PutVisitKindInput.key", "PutVisitKindInput.name",
		"PutVisitKindInput.instructions", "PutVisitKindInput.currency", "PutProviderInput.name", "PutProviderInput.languages",
		"InsurancePlanInput.carrier", "InsurancePlanInput.name", "CodingInput.system", "CodingInput.code", "CodingInput.display",
	},
	"rooms and equipment of a clinic, for its staff":                    {"PutVisitKindInput.needs", "PutResourceInput.pool", "PutResourceInput.name", "Query.resources(pool)"},
	"the days of a provider's schedule":                                 {"SetProviderScheduleInput.effectiveFrom", "SetProviderScheduleInput.effectiveUntil", "SetDateHoursInput.date", "Provider.weeklyHours(on)", "ScheduleRepeatInput.until", "ScheduleRepeatInput.except"},
	"who gives out identifiers, not to whom":                            {"IdentifierInput.system"},
	"what the directory is searched for, by anybody":                    {"ProviderFilterInput.text", "PostalCodeInput.code", "PostalCodeInput.country", "AvailabilitySearchInput.language", "AnyProviderInput.language", "AvailabilitySearchInput.timeZone", "Query.availabilityCalendar(from)"},
	"names of scopes, of which none is accepted that the token hasn't":  {"IssueStreamTicketInput.scopes"},
	"what a clinic calls a system that it lets in, and its public keys": {"CreateApiClientInput.name", "CreateApiClientInput.jwks", "ReplaceApiClientKeysInput.jwks", "CreateApiKeyInput.name"},
	"names of scopes, of which none is accepted that no partner has":    {"CreateApiClientInput.scopes", "CreateApiKeyInput.scopes"},
	"a name of an action of the program, for auditors":                  {"AuditFilterInput.action"},
	"a code of the program, for administrators":                         {"DeadLetterFilterInput.cause"},
	"the days of a figure":                                              {"ReminderFunnelInput.from", "ReminderFunnelInput.to"},
	"a language, of which nothing is kept but what the registry has":    {"SignUpInput.locale", "InviteAccountInput.locale"},
	"the name of an app, as it calls itself":                            {"VerifyEmailInput.client", "AcceptAccountInvitationInput.client", "SignInInput.client", "BeginOpenIdSignInInput.client"},
	"a provider of the operator's, and a page of the operator's app":    {"BeginOpenIdSignInInput.provider", "BeginOpenIdSignInInput.redirectUri"},
	"names of the schema itself, for those who look into it":            {"Query.__type(name)", "Query.__schema"},
}

// shown are inputs that aren't gone into, since all that is in them belongs to the directory.
var shown = []string{"PutLocationInput.identifier", "PutProviderInput.identifier", "PutResourceInput.identifier"}

// cantHold are the scalars that no text fits into, and no date of birth.
var cantHold = []string{"Int", "Float", "Boolean", "DateTime", "LocalTime", "LocalDateTime", "Duration"}

// opaque says whether an input takes nothing but ids, or cursors.
func opaque(coordinate, scalar string) bool {
	return scalar == "ID" || strings.HasSuffix(coordinate, "(after)") || strings.HasSuffix(coordinate, "(before)")
}

// texts are all inputs of the schema that a text fits into: Type.field(argument) or Input.field, with the name of its scalar.
func texts(schema *ast.Schema) map[string]string {
	found := map[string]string{}
	add := func(coordinate string, of *ast.Type) {
		if def := schema.Types[of.Name()]; def.Kind == ast.Scalar && !slices.Contains(cantHold, def.Name) {
			found[coordinate] = def.Name
		}
	}
	for _, def := range schema.Types {
		if strings.HasPrefix(def.Name, "__") {
			continue
		}
		for _, field := range def.Fields {
			if def.Kind == ast.InputObject {
				add(def.Name+"."+field.Name, field.Type)
			}
			for _, arg := range field.Arguments {
				add(fmt.Sprintf("%s.%s(%s)", def.Name, field.Name, arg.Name), arg.Type)
			}
		}
	}
	return found
}

// sorting checks that every input is sorted, and nothing that isn't there.
func sorting(t *testing.T, schema *ast.Schema) {
	t.Helper()
	found, sorted := texts(schema), map[string]bool{}
	for _, list := range append(slices.Collect(maps.Values(public)), private, rejected) {
		for _, coordinate := range list {
			if sorted[coordinate] {
				t.Errorf("%s is sorted twice", coordinate)
			}
			sorted[coordinate] = true
			if _, there := found[coordinate]; !there && !strings.HasPrefix(coordinate, "Query.__") {
				t.Errorf("%s is sorted, but is no input of the schema that a text fits into", coordinate)
			}
		}
	}
	for coordinate, scalar := range found {
		if !sorted[coordinate] && !opaque(coordinate, scalar) && !strings.HasPrefix(coordinate, "Query.__") {
			t.Errorf("the input %s is new: may it hold a patient's data? Add it to private and send it with a canary, or to public with the reason why not", coordinate)
		}
	}
}

func isPublic(coordinate string) bool {
	for _, list := range public {
		if slices.Contains(list, coordinate) {
			return true
		}
	}
	return false
}

// sent notes which inputs had a canary in them.
type sent struct {
	schema   *ast.Schema
	in       []needle
	tried    map[string]bool
	accepted map[string]bool // in requests that succeeded
}

// note reads a request's inputs. One that is no valid document has none.
func (s *sent) note(document string, variables map[string]any, succeeded bool) {
	doc, err := gqlparser.LoadQueryWithRules(s.schema, document, nil)
	if err != nil {
		return
	}
	for _, op := range doc.Operations {
		s.set(op.SelectionSet, variables, succeeded)
	}
}

func (s *sent) set(set ast.SelectionSet, variables map[string]any, succeeded bool) {
	for _, selection := range set {
		switch selection := selection.(type) {
		case *ast.Field:
			if selection.Definition == nil {
				continue
			}
			for _, arg := range selection.Arguments {
				def := selection.Definition.Arguments.ForName(arg.Name)
				value, err := arg.Value.Value(variables)
				if def == nil || err != nil {
					continue
				}
				s.value(fmt.Sprintf("%s.%s(%s)", selection.ObjectDefinition.Name, selection.Name, arg.Name), def.Type, value, succeeded)
			}
			s.set(selection.SelectionSet, variables, succeeded)
		case *ast.InlineFragment:
			s.set(selection.SelectionSet, variables, succeeded)
		}
	}
}

func (s *sent) value(coordinate string, of *ast.Type, value any, succeeded bool) {
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			s.value(coordinate, of, item, succeeded)
		}
	case map[string]any:
		def := s.schema.Types[of.Name()]
		for name, item := range value {
			if field := def.Fields.ForName(name); field != nil {
				s.value(def.Name+"."+name, field.Type, item, succeeded)
			}
		}
	case string:
		if look(s.in, "", []byte(value)) != nil {
			s.tried[coordinate] = true
			s.accepted[coordinate] = s.accepted[coordinate] || succeeded
		}
	}
}

// complete checks that nothing was forgotten.
func (s *sent) complete(t *testing.T) {
	t.Helper()
	for coordinate, scalar := range texts(s.schema) {
		if !s.tried[coordinate] && !isPublic(coordinate) && !strings.HasPrefix(coordinate, "Query.__") {
			t.Errorf("no canary was sent as %s (%s)", coordinate, scalar)
		}
	}
	for _, coordinate := range private {
		if !s.accepted[coordinate] {
			t.Errorf("no request with a canary as %s succeeded: what is done with it then isn't known", coordinate)
		}
	}
}
