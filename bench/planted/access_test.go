package planted_test

// server is where the real server is asked over the real database.
const server = "./internal/app"

// Who gets what is asked for every field, tried with every change, and compared with what never was.
const (
	fields  = "^TestEveryFieldAnswersEveryCaller"
	changes = "^TestEveryChangeIsMadeByWhoever"
	leaks   = "^TestWhatACallerMayNotSee"
)

// unasked lets everybody past the door. Behind it, most services ask again, so that either is missed only where the other is missing.
var unasked = edit{"resolvers/scopes.go", `err := refused(viewer.Actor(ctx), scopes)`, `var err error
	_, _ = viewer.Actor, refused`}

// accessFaults take away the checks that stand behind graph/policy/policy.table, one after the other.
var accessFaults = []fault{
	{"a stream has the rights that it began with", []edit{
		{"internal/access/access.go", `a.Circle = NewCircle(a.Circle.bonds)`, `_ = a.Circle.bonds`},
	}, server, "TestRightsAreThoseOfTheMoment", "status 0: "},
	{"an event is not recorded", []edit{
		{"graph/telling.go", `err = t.trailing.keep(telling, answer)`, `err = nil`},
	}, server, "TestWhateverShowsAPatientsDataIsRecorded/AppointmentChanged.appointment", "left"},
	{"an event that can't be recorded is passed over", []edit{
		{"internal/live/stream.go", `if f.things = f.told; f.told`, `if f.told = nil; f.told`},
	}, server, "TestAnEventIsSentOnce", ", not of "},
	{"a visit is told to whoever acts for somebody", []edit{
		{"internal/live/appointments.go", `to := g.actor.Anew()`, `to := g.actor.Anew()
	if to.ActsForOthers() {
		to.Role = access.Admin
	}`},
		{"internal/live/appointments.go", `if err != nil || !c.Of(g.actor) {`, `if _ = c; err != nil {`},
		{"internal/live/appointments.go", `if err != nil || !all {`, `if _ = own; err != nil || all || !all {`},
		{"internal/live/concerns.go", `if found[about(e)].Of(a) {`, `if found[about(e)].Of(a) || true {`},
	}, server, fields, "is told of something by appointmentChanged"},
	{"an offer is told to whoever acts for somebody", []edit{
		{"internal/live/offers.go", `to := o.actor.Anew()`, `to := o.actor.Anew()
	if to.ActsForOthers() {
		to.Role = access.Admin
	}`},
		{"internal/live/offers.go", `if err != nil || !c.Of(o.actor) {`, `if _ = c; err != nil {`},
		{"internal/live/offers.go", `if err != nil || !all {`, `if _ = own; err != nil || all || !all {`},
		{"internal/live/concerns.go", `if found[about(e)].Of(a) {`, `if found[about(e)].Of(a) || true {`},
	}, server, fields, "is told of something by waitlistOfferChanged"},
	{"a ticket carries whatever it is asked for", []edit{
		{"internal/live/ticket.go", `check.That(slices.Contains(a.Effective(), scope),`, `check.That(true || slices.Contains(a.Effective(), scope),`},
	}, "./internal/live", "TestATicketCarries", "<nil>"},
	{"a ticket can be used again", []edit{
		{"internal/postgres/ticket.go", `DELETE FROM stream_tickets WHERE digest = $1 RETURNING holder`, `SELECT holder`},
		{"internal/postgres/ticket.go", `until, expires_at` + "`" + `
`, `until, expires_at FROM stream_tickets WHERE digest = $1` + "`" + `
`},
	}, server, "TestATicketOpensOneStream", "used twice"},
	{"appointments are loaded as an administrator", []edit{
		{"graph/loader/loader.go", `batch(as(&a, s.Appointment.Appointments))`, `batch(as(&access.Actor{Role: access.Admin, Organization: a.Organization, Scopes: access.ScopesOf(access.Admin)}, s.Appointment.Appointments))`},
	}, server, fields, "which the table says is"},
	{"patients are loaded as an administrator", []edit{
		{"graph/loader/loader.go", `batch(as(&a, s.Patient.Patients))`, `batch(as(&access.Actor{Role: access.Admin, Organization: a.Organization, Scopes: access.ScopesOf(access.Admin)}, s.Patient.Patients))`},
	}, server, fields, "which the table says is"},
	{"loaders are shared by all who ask", []edit{
		{"graph/loading.go", `// loading gives`, `var everybodys *loader.Loaders

// loading gives`},
		{"graph/loading.go", `return loader.With(ctx, l.services.New(viewer.Actor(ctx)))`, `if everybodys == nil {
		everybodys = l.services.New(viewer.Actor(ctx))
	}
	return loader.With(ctx, everybodys)`},
	}, server, "TestCallersOfOneMoment", "other-patient: {"},
	{"loaders load for nobody in particular", []edit{
		{"graph/loading.go", `l.services.New(viewer.Actor(ctx))`, `l.services.New(viewer.Actor(context.Background()))`},
	}, server, fields, "which the table says is"},
	{"a role doesn't bound its token's scopes", []edit{
		{"internal/access/access.go", `return slices.Contains(a.Scopes, scope) && slices.Contains(scopesOf[a.Role], scope)`, `return slices.Contains(a.Scopes, scope)`},
	}, server, fields, `LegalHold.id, which the table says is "unknown"`},
	{"a token's scopes don't bound its role", []edit{
		{"internal/access/access.go", `return slices.Contains(a.Scopes, scope) && slices.Contains(scopesOf[a.Role], scope)`, `return slices.Contains(scopesOf[a.Role], scope)`},
	}, server, fields, `Patient.id, which the table says is "unknown"`},
	{"everybody is in every organisation", []edit{
		{"internal/access/access.go", `(a.Organization != uuid.Nil && a.Organization == organization)`, `a.Organization != uuid.Nil`},
	}, server, fields + "|" + changes, `invitePatientAccount by other-tenant (other-tenant), which the table says is "unknown"`},
	{"no scope is needed", []edit{
		{"internal/access/access.go", `case !a.Has(scope):`, `case false:`},
	}, server, changes + "|" + fields, `SetProviderSchedulePayload.appointmentsOutsideHours, which the table says is "refused"`},
	{"what is needed is needed in no organisation", []edit{
		{"internal/access/access.go", `case !a.In(organization):
		return errs.Missing(what, path...)`, `case false:
		return errs.Missing(what, path...)`},
	}, server, changes + "|" + fields, `invitePatientAccount by other-tenant (other-tenant), which the table says is "unknown"`},
	{"a provider treats everybody", []edit{
		{"internal/access/circle.go", `own[p] = c.treated[p]`, `own[p] = true`},
	}, server, fields, `Patient.id, which the table says is "unknown"`},
	{"a token that names a patient names all", []edit{
		{"internal/access/reach.go", `!slices.ContainsFunc(patients, func(p uuid.UUID) bool { return p != a.PatientID })`, `(true || slices.Contains(patients, a.PatientID))`},
	}, server, "TestAMotherWithARecord", "TestAMotherWithARecord"},
	{"providers keep to nobody", []edit{
		{"internal/access/reach.go", `return a.Role == Provider && a.Has(PatientsRead) }`, `return false }`},
	}, server, fields, "which the table says is"},
	{"staff reach everybody", []edit{
		{"internal/access/reach.go", `return Reach{All: a.Has(PatientsRead)}, nil`, `return Reach{All: true}, nil`},
	}, server, "TestAProvidersAppointmentsAreForWhoever", "one who reads no patient"},
	{"lists of a page aren't veiled", []edit{
		{"internal/appointment/agenda.go", `if page.Items, err = shown(ctx, a, page.Items); err != nil {`, `if err != nil {`},
	}, server, fields, "which the table says is"},
	{"lists of providers elsewhere are read", []edit{
		{"internal/appointment/agenda.go", `if a.In(p.Organization) {`, `if true {`},
	}, server, "TestAProvidersAppointmentsAreForWhoever", "one of another clinic: "},
	{"visits outside the hours are told to whoever changes them", []edit{
		{"internal/appointment/clash.go", `if err := a.Need(scope, c.Organization, "organisation", "organizationId"); err != nil {`, `if err := error(nil); err != nil && scope != "" {`},
	}, server, changes, `SetProviderSchedulePayload.appointmentsOutsideHours, which the table says is "refused"`},
	{"holds are everybody's", []edit{
		{"internal/appointment/hold.go", `if h.Actor != a.ID || !a.In(ref.Organization) {`, `if !a.In(ref.Organization) {`},
	}, server, fields, "which the table says is"},
	{"a list isn't veiled", []edit{
		{"internal/appointment/list.go", `page.Items, err = shown(ctx, a, page.Items)`, `_, err = shown(ctx, a, page.Items)`},
	}, server, fields, `Appointment.reason, which the table says is "null"`},
	{"slots are booked without the right to", []edit{
		{"internal/appointment/service.go", `return seat, a.Need(access.AppointmentsWrite, seat.Slot.Organization, "slot", "target", "slotId")`, `return seat, nil`},
	}, server, changes, `bookAppointment by other-tenant (other-tenant), which the table says is "unknown"`},
	{"a colleague's appointment isn't veiled", []edit{
		{"internal/appointment/shown.go", `kept = append(kept, ap.veiled())`, `kept = append(kept, ap)`},
	}, server, fields, "which the table says is"},
	{"a list is asked of any patient", []edit{
		{"internal/appointment/shown.go", `acts, err := a.ActsFor(ctx, f.Patient)`, `acts, err := true, error(nil)`},
	}, server, leaks, `{ appointments(where: {patientId: "ID"}) { totalCount edges { node { id } } } } of a hidden Patient in their own organisation is told`},
	{"a list isn't narrowed to whom one acts for", []edit{
		{"internal/appointment/shown.go", `	f.Among = &access.Reach{Patients: slices.Clone(r.Patients), Provider: r.Provider}
`, ``},
	}, server, fields, "Provider.appointments: patient is told"},
	{"a veil shows the note", []edit{
		{"internal/appointment/shown.go", `		c.Note = nil
`, ``},
	}, server, fields, "which the table says is"},
	{"a veil shows the reason", []edit{
		{"internal/appointment/shown.go", `a.PatientID, a.CreatedBy, a.Reason = uuid.Nil, uuid.Nil, nil`, `a.PatientID, a.CreatedBy = uuid.Nil, uuid.Nil`},
	}, server, fields, "which the table says is"},
	{"a veiled appointment is changed", []edit{
		{"internal/appointment/shown.go", `case err != nil, len(seen) == 0, seen[0].Veiled():`, `case err != nil, len(seen) == 0:`},
	}, server, changes, "which the table says is"},
	{"an unseen appointment is changed", []edit{
		{"internal/appointment/shown.go", `case err != nil, len(seen) == 0, seen[0].Veiled():`, `case err != nil, len(seen) > 0 && seen[0].Veiled():`},
	}, server, changes, `rescheduleAppointment by other-patient (other-patient), which the table says is "unknown"`},
	{"appointments are read without the scope", []edit{
		{"internal/appointment/shown.go", `if !a.Has(access.AppointmentsRead) {
		return map`, `if false {
		return map`},
	}, server, "TestAnAppointmentTakesARight", "one who reads patients only: "},
	{"appointments of another organisation are looked for", []edit{
		{"internal/appointment/shown.go", `bool { return !a.In(r.Organization) })`, `bool { return false })`},
	}, server, leaks, `{ node(id: "ID") { __typename id } } of a hidden Appointment in another one takes`},
	{"appointments of nobody are shown to whoever asks", []edit{
		{"internal/appointment/shown.go", `plain := func(ap Appointment) bool { return a.In(ap.OrganizationID) && seen.Of(ap.PatientID) }`, `plain := func(ap Appointment) bool { return a.In(ap.OrganizationID) }`},
	}, server, fields, "which the table says is"},
	{"visits are booked for anybody", []edit{
		{"internal/appointment/shown.go", `acts, err := a.ActsFor(ctx, asked.ID)`, `acts, err := true, error(nil)`},
	}, server, changes, "which the table says is"},
	{"whoever has no right to changes appointments", []edit{
		unasked,
		{"internal/appointment/shown.go", `if err := a.Need(access.AppointmentsWrite, ref.Organization, "appointment", path...); err != nil {`, `if err := error(nil); err != nil {`},
	}, server, changes, `cancelAppointment by scopeless (scopeless), which the table says is "refused"`},
	{"events are everybody's to see", []edit{
		{"internal/audit/service.go", `if a.Need(access.AuditRead, r.Organization, "event") == nil {`, `if true {`},
	}, server, fields, "AuditEvent.id, which the table says is"},
	{"the trail is listed to anybody", []edit{
		unasked,
		{"internal/audit/service.go", `if err := a.Need(access.AuditRead, organization, "organisation", "where"); err != nil {`, `if err := error(nil); err != nil {`},
	}, server, fields, `Query.auditEvents, which the table says is "refused"`},
	{"who looked is told to whoever may look", []edit{
		{"internal/audit/service.go", `if !a.In(of.Organization) || !a.Has(access.AuditRead) {`, `if false {`},
	}, server, fields, "is told who looked"},
	{"a look at taken times is anybody's", []edit{
		{"internal/availability/explain.go", `return a.In(organization) && (a.Has(access.AppointmentsRead) || a.Has(access.AppointmentsWrite))`, `return true`},
	}, server, "TestTakenTimes", "nobody: {"},
	{"a time is explained for any patient", []edit{
		{"internal/availability/explain.go", `if err == nil && !seen.Of(patient.ID) {`, `if false {`},
	}, server, leaks, `patientId: "ID"}) { bookable blockedBy } } of a hidden Patient in their own organisation`},
	{"taken times are listed to anybody", []edit{
		{"internal/availability/service.go", `if a.IsStaff() && a.In(l.Provider.Organization) && a.Has(access.AppointmentsRead) {`, `if true {`},
	}, server, "TestTakenTimes", "nobody: {"},
	{"all grants are listed to anybody", []edit{
		unasked,
		{"internal/breakglass/service.go", `if err := a.Need(access.AccessReview, organization, "provider", "where", "providerId"); err != nil {`, `if err := error(nil); err != nil {`},
	}, server, fields, `Query.breakGlassGrants, which the table says is "refused"`},
	{"grants are everybody's to see", []edit{
		{"internal/breakglass/service.go", `if !a.In(ref.Organization) || g.ActorID != a.ID && !a.Has(access.AccessReview) {`, `if !a.In(ref.Organization) {`},
	}, server, fields, "which the table says is"},
	{"grants are reviewed by anybody", []edit{
		unasked,
		{"internal/breakglass/service.go", `if err := a.Need(access.AccessReview, in.Grant.Organization, "grant", "grantId"); err != nil {`, `if err := error(nil); err != nil {`},
	}, server, changes, `reviewBreakGlass by own-provider (own-provider), which the table says is "refused"`},
	{"grants of other organisations are seen", []edit{
		{"internal/breakglass/service.go", `if !a.In(ref.Organization) || g.ActorID != a.ID && !a.Has(access.AccessReview) {`, `if g.ActorID != a.ID && !a.Has(access.AccessReview) {`},
	}, server, fields, `BreakGlassGrant.id, which the table says is "unknown"`},
	{"the glass is broken by anybody", []edit{
		unasked,
		{"internal/breakglass/service.go", `return a.Need(access.PatientsBreakGlass, organization, "patient", "target", "patientId")`, `_ = organization
	return nil`},
	}, server, changes, `breakGlass by desk (desk), which the table says is "refused"`},
	{"everybody makes organisations", []edit{
		unasked,
		{"internal/clinic/service.go", `if !actor.Has(access.PlatformAdminAll) {`, `if false {`},
	}, server, changes, `createOrganization by desk (desk), which the table says is "refused"`},
	{"the directory is everybody's to change", []edit{
		{"internal/clinic/service.go", `return organization, actor.Need(scope, organization, "organization", "organizationId")`, `return organization, nil`},
	}, server, changes, `registerPatient by other-tenant (other-tenant), which the table says is "unknown"`},
	{"everybody ends links", []edit{
		{"internal/patient/invitations.go", `case !a.ActsForOthers() && !a.Has(access.PatientsWrite):`, `case false:`},
	}, server, changes, `unlinkPatient by own-provider (own-provider), which the table says is "refused"`},
	{"everybody invites", []edit{
		{"internal/patient/invitations.go", `if err := a.Need(access.PatientsWrite, in.Patient.Organization, "patient", "patientId"); err != nil {`, `if err := error(nil); err != nil {`},
	}, server, changes, `invitePatientAccount by other-tenant (other-tenant), which the table says is "unknown"`},
	{"links of another organisation are ended", []edit{
		{"internal/patient/invitations.go", `case !a.In(in.Patient.Organization):`, `case false:`},
	}, server, changes, `unlinkPatient by other-tenant (other-tenant), which the table says is "unknown"`},
	{"staff accept invitations", []edit{
		{"internal/patient/invitations.go", `case !a.ActsForOthers():
		return Accepted{}`, `case false:
		return Accepted{}`},
	}, server, changes, `acceptPatientInvitation by own-provider (own-provider), which the table says is "refused"`},
	{"patients are found beyond a caller's reach", []edit{
		{"internal/patient/service.go", `return Sought{Organization: organization, Handles: handles, Among: reach}, err`, `reach.All = true
	return Sought{Organization: organization, Handles: handles, Among: reach}, err`},
	}, server, fields, "which the table says is"},
	{"patients are read without looking whose they are", []edit{
		{"internal/patient/service.go", `return slices.DeleteFunc(here, func(r clinic.Ref) bool { return !seen.Of(r.ID) }), seen, err`, `return slices.Clone(here), seen, err`},
	}, server, fields, "which the table says is"},
	{"patients are read without the scope", []edit{
		{"internal/patient/service.go", `if !actor.Has(access.PatientsRead) && !(actor.ActsForOthers() && actor.Has(access.AppointmentsRead)) {`, `if false {`},
	}, server, "TestAPatientsRecordTakes", "a patient who only writes"},
	{"patients of every organisation are read", []edit{
		{"internal/patient/service.go", `if actor.In(r.Organization) && r.ID != uuid.Nil {`, `if r.ID != uuid.Nil {`},
	}, server, fields, `Patient.id, which the table says is "unknown"`},
	{"a grant opens for everybody", []edit{
		{"internal/postgres/breakglass.go", `actor_id = $2 AND expires_at > $3 AND ended_at IS NULL ORDER BY`, `$2::uuid IS NOT NULL AND expires_at > $3 AND ended_at IS NULL ORDER BY`},
	}, server, fields, `Patient.id, which the table says is "unknown"`},
	{"a grant that is over still opens", []edit{
		{"internal/postgres/breakglass.go", `expires_at > $3 AND ended_at IS NULL ORDER BY`, `expires_at > $3 ORDER BY`},
	}, server, fields, `Patient.id, which the table says is "unknown"`},
	{"a visit with anybody makes a patient one's own", []edit{
		{"internal/postgres/circle.go", `own.patient_id = %s AND own.provider_id = %s`, `own.patient_id = %s AND own.provider_id IS DISTINCT FROM %s`},
	}, server, fields, "own-provider (own-provider) is told"},
	{"every account acts for whoever is linked", []edit{
		{"internal/postgres/links.go", `WHERE organization_id = $1 AND account_id = $2 AND ended_at IS NULL
ORDER BY`, `WHERE organization_id = $1 AND $2::uuid IS NOT NULL AND ended_at IS NULL
ORDER BY`},
	}, server, fields, `Patient.id, which the table says is "unknown"`},
	{"hours are everybody's to change", []edit{
		{"internal/provider/service.go", `if err := actor.Need(scope, provider.Organization, "provider", "providerId"); err != nil {`, `if err := error(nil); err != nil && scope != "" {`},
	}, server, changes + "|" + fields, `setProviderSchedule by other-tenant (other-tenant), which the table says is "unknown"`},
	{"exceptions are everybody's to take back", []edit{
		{"internal/provider/service_exception.go", `if err := actor.Need(access.SchedulesWrite, exception.Organization, "exception", "exceptionId"); err != nil {`, `if err := error(nil); err != nil {`},
	}, server, changes, `removeScheduleException by other-tenant (other-tenant), which the table says is "unknown"`},
	{"exceptions are read without the scope", []edit{
		{"internal/provider/service_exception.go", `return !actor.In(r.Organization) || !actor.Has(access.SchedulesRead)`, `return !actor.In(r.Organization)`},
	}, server, fields, "which the table says is"},
	{"exceptions of other organisations are read", []edit{
		{"internal/provider/service_exception.go", `return !actor.In(r.Organization) || !actor.Has(access.SchedulesRead)`, `return !actor.Has(access.SchedulesRead)`},
	}, server, fields, `ScheduleException.id, which the table says is "unknown"`},
	{"places are everybody's to close", []edit{
		{"internal/provider/service_exception.go", `if err := actor.Need(access.SchedulesWrite, in.Location.Organization, "location", "locationId"); err != nil {`, `if err := error(nil); err != nil {`},
	}, server, changes, `addScheduleException by other-tenant (other-tenant), which the table says is "unknown"`},
	{"messages are read without looking whose they are", []edit{
		{"internal/reminder/ledger.go", `if m.ID == uuid.Nil || !seen.Of(m.PatientID) {`, `if m.ID == uuid.Nil {`},
	}, server, fields, `Reminder.id, which the table says is "unknown"`},
	{"messages of every organisation are read", []edit{
		{"internal/reminder/ledger.go", `a.In(ref.Organization) && a.Has(access.AppointmentsRead)`, `a.Has(access.AppointmentsRead)`},
	}, server, fields, `Reminder.id, which the table says is "unknown"`},
	{"messages are read without the scope", []edit{
		{"internal/reminder/ledger.go", `a.In(ref.Organization) && a.Has(access.AppointmentsRead)`, `a.In(ref.Organization)`},
	}, server, "TestTheFrontDeskFindsOut", "one who reads patients only is told"},
	{"whose messages were looked at isn't recorded", []edit{
		{"internal/reminder/ledger.go", `a.Trail.Saw(access.Sight{Organization: m.OrganizationID, Kind: TrailKind, ID: m.ID, Patient: m.PatientID, Grant: seen.Under(m.PatientID)})`, ``},
	}, server, "TestTheFrontDeskFindsOut", "that messages were looked at isn't recorded"},
	{"messages are counted for anybody", []edit{
		unasked,
		{"internal/reminder/funnel.go", `err = a.Need(access.RemindersRead, organization, "location", "where", "locationId")`, `err = nil`},
	}, server, fields, `Query.reminderFunnel, which the table says is "refused"`},
	{"messages of another organisation are counted", []edit{
		{"internal/reminder/funnel.go", `a.Need(access.RemindersRead, organization, `, `a.Need(access.RemindersRead, a.Organization, `},
	}, server, "TestAFunnelCounts", "of another's: "},
	{"dead letters are listed to anybody", []edit{
		unasked,
		{"internal/reminder/deadletter.go", `if err := a.Need(access.MessagesManage, organization, "organisation", "where"); err != nil {`, `if err := error(nil); err != nil {`},
	}, server, fields, `Query.deadLetters, which the table says is "refused"`},
	{"dead letters are everybody's to see", []edit{
		{"internal/reminder/deadletter.go", ` && a.Need(access.MessagesManage, ref.Organization, "dead letter") == nil`, ``},
	}, server, fields, `DeadLetter.id, which the table says is "unknown"`},
	{"dead letters are replayed by anybody", []edit{
		unasked,
		{"internal/reminder/replay.go", `if err := a.Need(access.MessagesManage, a.Organization, "organisation"); err != nil {`, `if err := error(nil); err != nil {`},
	}, server, changes, `replayDeadLetters by desk (desk), which the table says is "refused"`},
	{"reminder rules are read by anybody", []edit{
		unasked,
		{"internal/reminder/rules.go", `clinic.Allowed(a, organization, access.DirectoryWrite)`, `a.OwnOrganization(organization)`},
	}, server, fields, `Query.reminderRules, which the table says is "refused"`},
	{"reminder rules are everybody's to set", []edit{
		unasked,
		{"internal/reminder/rules.go", `clinic.Allowed(a, in.Organization, access.DirectoryWrite)`, `a.OwnOrganization(in.Organization)`},
	}, server, changes, `setReminderRules by desk (desk), which the table says is "refused"`},
	{"whoever has no right to says how a patient is told", []edit{
		unasked,
		{"internal/reminder/prefs_service.go", `case !a.Has(scope):`, `case false:`},
	}, server, changes, `changeContactPreferences by own-provider (own-provider), which the table says is "refused"`},
	{"a patient says how another one is told", []edit{
		{"internal/reminder/prefs_service.go", `} else if !ok {
		return Preferences{}, missing()`, `} else if !ok && false {
		return Preferences{}, missing()`},
	}, server, changes, `changeContactPreferences by other-patient (other-patient), which the table says is "unknown"`},
	{"how a patient is told is said in another organisation", []edit{
		{"internal/reminder/prefs_service.go", `case !a.In(in.Patient.Organization):`, `case false:`},
	}, server, changes, `changeContactPreferences by other-tenant (other-tenant), which the table says is "unknown"`},
	{"how a patient is told is shown to whoever asks", []edit{
		{"internal/reminder/prefs_service.go", `return !seen.Of(p.ID) }`, `return !seen.Of(p.ID) && false }`},
	}, "./internal/reminder", "TestWhoMayChangePreferences", "another patient is shown"},
	{"the queue shows itself to every administrator", []edit{
		{"internal/app/monitor.go", `actor.Role != access.PlatformAdmin`, `actor.Role != access.PlatformAdmin && actor.Role != access.Admin`},
	}, server, "TestTheQueueShowsItself", "a clinic's administrator: 200"},
	{"identifiers are shown through a veil", []edit{
		{"resolvers/appointment.resolvers.go", `if obj.Veiled() {
		return []*clinic.Identifier{}, nil
	}
	found, err := loader`, `found, err := loader`},
	}, server, fields, "which the table says is"},
	{"a history is shown through a veil", []edit{
		{"resolvers/audit.resolvers.go", `if obj.Veiled() {
		return nil, nil
	}
	return r.history`, `return r.history`},
	}, server, fields, `Appointment.history, which the table says is "null"`},
	{"a viewer is anybody's to see", []edit{
		{"resolvers/node.go", `if ref != (clinic.Ref{Organization: v.Organization, ID: v.Actor.ID}) {`, `if false {`},
	}, server, fields, "Viewer.id: nothing is asked as other-tenant"},
	{"who acts for a patient is told to everybody who sees them", []edit{
		{"resolvers/patient.resolvers.go", `if !viewer.Actor(ctx).Has(access.PatientsWrite) {`, `if false {`},
		{"internal/patient/invitations.go", `if a.In(p.Organization) && a.Has(access.PatientsWrite) {`, `if a.In(p.Organization) {`},
	}, server, fields, "which the table says is"},
	{"nobody is asked for the scopes that a field requires", []edit{
		{"resolvers/scopes.go", `err := refused(viewer.Actor(ctx), scopes)`, `var err error
	_, _ = viewer.Actor, refused`},
	}, server, fields + "|" + changes, `endBreakGlass by anonymous (anonymous), which the table says is "sign-in"`},
}
