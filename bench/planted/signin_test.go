package planted_test

// Whose tests know of sign-in, sessions, partners and limits.
const (
	people   = "./internal/identity"
	tables   = "./internal/postgres"
	tokens   = "./internal/access/token"
	partners = "./internal/partner"
	vouching = "./internal/openid"
	caches   = "./internal/redis"
	answers  = "./resolvers"
)

const (
	secondFactors = "internal/postgres/account_challenge.go"
	refreshes     = "internal/postgres/session_refresh.go"
	ownTokens     = "internal/access/token/own.go"
	forged        = "TestForgedTokensOfOurOwnAreRefusedAlike"
)

// signInFaults are each a promise that is broken: of who is let in, for how long, and how often.
var signInFaults = []fault{
	{"a refresh token that is used again ends nothing", []edit{
		{"internal/identity/session.go", `return Reused`, `return Fails`},
	}, tables, "TestARefreshTokenIsGoodOnce", "after an old token was used again: stands"},
	{"that a session was ended by a stolen token is told to no other process", []edit{
		{refreshes, `revokeAll(ctx, tx, []uuid.UUID{id})`, `revokeAll(ctx, tx, []uuid.UUID{})`},
	}, tables, "TestARefreshTokenIsGoodOnce", "in another process"},
	{"what was made for lost answers stays until the session ends", []edit{
		{refreshes, `		batch.Queue(voidSiblings, organization, id, of.Generation-1, now)
`, ``},
	}, tables, "TestWhatALostAnswerBrought", "after a month"},
	{"a session is refreshed without an end", []edit{
		{"internal/identity/session.go", `r.Remembered > mostRemembered`, `false && r.Remembered > mostRemembered`},
	}, tables, "TestASessionThatIsRefreshedWithoutAnEnd", "who refreshes without an end: <nil>"},
	{"a session is kept by nothing", []edit{
		{"internal/identity/session.go", ` && now.Sub(s.LastUsedAt) < l.Of(s.Role).Idle+idleGrace`, ``},
	}, tables, "TestSessionsEndWhenIdleAndAtTheLatest/staff", "idle for long: stands"},
	{"anybody's session is ended by whoever names it", []edit{
		{"internal/identity/signout.go", `case !found, session.AccountID != a.ID && !endsOthers(a):`, `case !found:`},
	}, server, "TestASessionOfSomebodyElse", "has ended a session in their own organisation"},
	{"a session that is used lasts for ever", []edit{
		{"internal/identity/session.go", `s.EndedAt.IsZero() && now.Before(s.ExpiresAt) && `, `s.EndedAt.IsZero() && `},
	}, tables, "TestSessionsEndWhenIdleAndAtTheLatest/staff", "at its end: stands"},
	{"what a process remembers of revocations is trusted for too long", []edit{
		{"internal/identity/guard.go", `trusted    = 500 * time.Millisecond`, `trusted    = 600 * time.Millisecond`},
	}, people, "TestWhatAGuardKnowsCountsForHalfASecond", "revoked is false"},
	{"a revocation is acknowledged while others don't know", []edit{
		{"internal/identity/guard.go", `settling   = 550 * time.Millisecond`, `settling   = 450 * time.Millisecond`},
	}, people, "TestWhoRevokesWaits", "it said so after 450ms"},
	{"a session that a cache has is good though it was revoked", []edit{
		{"internal/identity/sessions.go", `revoked, err := s.Guard.Revoked(ctx, a.Credential)`, `revoked, err := false, error(nil)`},
	}, people, "TestWhatACacheHasOfASession", "revoked since it was kept"},
	{"what a cache answers is taken for any session", []edit{
		{"internal/identity/records.go", `case s.Ref() != of:`, `case false:`},
	}, people, "TestWhatACacheHasOfASession", "another's"},
	{"a Redis that was restored brings back what was", []edit{
		{"internal/redis/cache.go", `if !ok || !clock.Fresh(e.At, c.Clock.Now(), c.Life) {`, `if !ok {`},
	}, caches, "TestAnEntryThatIsTooOld", "--- FAIL: TestAnEntryThatIsTooOld"},
	{"everybody loads what a cache hasn't", []edit{
		{"internal/redis/cache.go", `c.flight.DoChan(key, func()`, `c.flight.DoChan(fmt.Sprint(key, c.counts.asked.Add(1)), func()`},
	}, caches, "TestAThousandMissesAreOneLoad", "loads by two instances"},

	{"a token's head says how it is verified", []edit{
		{ownTokens, `jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}), jwt.WithIssuer`, `jwt.WithIssuer`},
		{ownTokens, `key, unknown = i.Keys.public(ctx, kid)`, `key, unknown = i.Keys.public(ctx, kid)
		if t.Method.Alg() != jwt.SigningMethodEdDSA.Alg() {
			return []byte(key), unknown
		}`},
	}, tokens, forged, "the public key as a secret"},
	{"tokens of any issuer are taken", []edit{{ownTokens, `jwt.WithIssuer(i.URL), `, ``}}, tokens, forged, "a foreign issuer"},
	{"tokens for anybody are taken", []edit{{ownTokens, `, jwt.WithAudience(i.URL)`, ``}}, tokens, forged, "a foreign audience"},
	{"a token is verified with a key that it doesn't name", []edit{
		{"internal/access/token/keys.go", `bool { return s.ID == id })`, `bool { return s.ID == id || true })`},
	}, tokens, forged, "an unknown key"},
	{"a signing key that can't be opened stops all", []edit{
		{"internal/postgres/signingkey.go", `found.Closed[r.Kid] = fmt.Errorf("the signing key %s: %w", r.Kid, err)`, `return found, fmt.Errorf("the signing key %s: %w", r.Kid, err)`},
	}, tables, "TestAKeyThatCantBeOpenedStopsNoOther", "signing: "},
	{"tokens of another type are taken", []edit{
		{ownTokens, `!strings.EqualFold(typ, ownType) && !strings.EqualFold`, `false && !strings.EqualFold`},
	}, tokens, forged, "another type"},

	{"tries are counted once a password was compared", []edit{
		{"internal/identity/service.go", `right, stale, err := s.compare(ctx, tried, in.Password)`, `if err = s.store.TakeBack(ctx, tried); err != nil {
		return SignedIn{}, err
	}
	right, stale, err := s.compare(ctx, tried, in.Password)
	if !right && err == nil {
		_, err = s.store.Try(ctx, by, in.Organization, address)
	}`},
	}, tables, "TestAHundredTriesAtOnceAreFive", "compared"},
	{"a code of an app opens several sessions", []edit{
		{secondFactors, ` AND coalesce(totp_last_step, 0) < $3`, ` AND $3::bigint > 0`},
	}, tables, "TestOfTwoWhoGaveOneCodeAtOnce", "the app's is taken again"},
	{"a recovery code is good for ever", []edit{
		{secondFactors, `takeRecovery  = ` + "`DELETE FROM", `takeRecovery  = ` + "`SELECT FROM"},
	}, tables, "TestOfTwoWhoGaveOneCodeAtOnce|TestARecoveryCodeStandsIn", "a recovery code is taken again"},
	{"recovery codes that others took the place of are good still", []edit{
		{"internal/postgres/account_recovery.go", `if _, err := tx.Exec(ctx, dropRecovery, organization, account); err != nil {`, `if _ = dropRecovery; err != nil {`},
	}, tables, "TestRecoveryCodesAreMadeAnew", "an old recovery code"},
	{"whoever is suspended has invited all the same", []edit{
		{"internal/postgres/invited.go", `id = $2 AND suspended_at IS NULL FOR SHARE`, `id = $2 FOR SHARE`},
	}, tables, "TestAnInvitationIsGoodAsLong", "who invited is suspended"},
	{"everybody who was invited is the first administrator", []edit{
		{"internal/postgres/invited.go", `if vacant, err := firstIsWanted(ctx, tx, organization); err != nil || !vacant {`, `if _, err := firstIsWanted(ctx, tx, organization); err != nil {`},
	}, tables, "TestTheFirstAdministratorIsInvited", "there is an administrator"},
	{"a provider's word forgets the tries of a password", []edit{
		{secondFactors, `actionOf(a), ref, a.ByPassword)`, `actionOf(a), ref, true)`},
	}, tables, "TestACodeOfTheAppAfterAProvidersWord", "the sixth"},
	{"whoever is suspended while their session begins has it", []edit{
		{"internal/identity/opening.go", `case !stands:`, `case false && !stands:`},
	}, tables, "TestWhoIsSuspendedWhileTheirFirstSession", "Tokens:0x"},
	{"a clock that is set back locks people out", []edit{
		{"internal/identity/tries.go", `if at.After(now) {`, `if false && at.After(now) {`},
	}, people, "TestAClockThatIsSetBack", "1h0m0s back"},
	{"whoever asks is told that an address has an account", []edit{
		{"internal/postgres/note.go", `	action := actionsOfNotes[n.Kind]
`, `	known := false
	if n.Kind == identity.SignUpNote {
		_, known, err = one[provingRow](ctx, tx, accountByToken, n.OrganizationID, key.digest(identity.EmailHandle(n.Email)))
	}
	if err == nil && known {
		return errs.Missing("account", "email")
	}
	action := actionsOfNotes[n.Kind]
`},
	}, server, "TestWhetherAnAddressHasAnAccount", "signUp of an address that is a patient's: "},
	{"less is done for an address that has an account", []edit{
		{"internal/postgres/note.go", `	pen, err := db.ownPen(ctx, n.OrganizationID)
`, `	known := false
	if n.Kind == identity.SignUpNote {
		_, known, err = one[provingRow](ctx, tx, accountByToken, n.OrganizationID, key.digest(identity.EmailHandle(n.Email)))
	}
	if err == nil && known {
		return record(ctx, tx, note(by, n.OrganizationID, actionsOfNotes[n.Kind], kindOfNotes, n.ID))
	}
	pen, err := db.ownPen(ctx, n.OrganizationID)
`},
	}, server, "TestWhetherAnAddressHasAnAccount", "signUp of an address that is a patient's takes"},

	{"a client's assertion is taken again", []edit{
		{"internal/postgres/partner_uses.go", `tag.RowsAffected() > 0
		return err
	})
	return fresh, err`, `tag.RowsAffected() >= 0
		return err
	})
	return fresh, err`},
	}, tables, "TestAnAssertionIsSpentOnce", "it was taken 10 times"},
	{"an API key never expires", []edit{
		{"internal/partner/recognise.go", ` || !now.Before(key.ExpiresAt)`, ``},
	}, partners, "TestAKeyIsGoodUntilItExpires", "expired: <nil>"},
	{"scopes are handed on by who lacks them", []edit{
		{"internal/partner/partner.go", `!known || giver.Has(scope)`, `true`},
	}, partners, "TestNobodyHandsOnAScope", "is handed on: <nil>"},
	{"a secret is given to a client that may do more than its giver", []edit{
		{"internal/partner/service.go", `in.Overlap, by.At), mayArm(a, c)`, `in.Overlap, by.At), nil`},
	}, server, "TestATokenWithFewerScopesThanItsRole", "a secret of a client that may do more"},
	{"wrong proofs shut a client out", []edit{
		{"internal/partner/desk.go", `case !found:`, `case !found, tries >= MaxTries:`},
	}, server, "TestWrongProofsShutOut", "the right secret from"},
	{"a code of another issuer's is sent to a provider", []edit{
		{"internal/openid/discovery.go", `return *issuer == s.party.Issuer()`, `return true`},
	}, vouching, "TestACodeThatCameAsAnothers", "the right one, with the code that was sent to nobody"},
	{"who came back may keep the issuer to themself", []edit{
		{"resolvers/signin.go", `, Issuer: in.Issuer}`, `}`},
	}, server, changes, "completeOpenIdSignIn"},

	{"each server allows the whole limit while Redis is away", []edit{
		{"internal/app/limit.go", `min(asked*time.Duration(servers), room)`, `min(asked, room)`},
	}, server, "TestWithoutRedisServersShareTheLimit|TestWhileRedisIsAwayEachServer", "four servers allowed 400 at once"},
	{"an operation counts once, whatever it asks for", []edit{
		{"graph/guard.go", `limits.Executions(op)-1)`, `min(limits.Executions(op), 1)-1)`},
	}, server, "TestEachAliasCountsOnEveryTransport", "15 aliases are answered"},
	{"whoever says that they come for another is believed", []edit{
		{"internal/app/limit_address.go", `if err != nil || !n.contain(at) {`, `if _ = at; err != nil {`},
	}, server, "TestOnlyTrustedProxies", "who isn't a proxy and claims another address"},
	{"the schema is shown to whoever has any scope", []edit{
		{"graph/guard.go", `!viewer.Actor(ctx).Has(access.SchemaRead)`, `!viewer.Actor(ctx).Has(access.AppointmentsRead)`},
	}, answers, "TestAHiddenSchemaIsShownToTheScopeForIt", "without the scope is shown"},
}
