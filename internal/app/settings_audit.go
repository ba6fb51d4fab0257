package app

import (
	"slices"
	"time"
)

// AuditSettings say how the record of who saw what is guarded.
type AuditSettings struct {
	Anchors       string        `env:"AUDIT_ANCHORS,required,notEmpty" help:"file that the heads of the audit chains are appended to; keep it where whoever rules the database can't change it"`
	AnchorEvery   time.Duration `env:"AUDIT_ANCHOR_EVERY" envDefault:"1m" help:"how often the heads are appended; at most 5m"`
	RetentionDays int           `env:"AUDIT_RETENTION_DAYS" envDefault:"2192" help:"days that audit events are kept; at least 2192, the six years of 45 CFR 164.316(b)(2)(i)"`
}

const (
	leastRetention  = 2192 // days: six years with two leap days
	longestUntold   = 5 * time.Minute
	mostRetention   = 100 * 366
	shortestAnchors = time.Second
)

// WorkerSettings are those of `mediconnect work` and `audit`.
type WorkerSettings struct {
	Database  DatabaseSettings
	Audit     AuditSettings
	Keep      RetentionSettings
	Events    EventSettings
	Mail      MailSettings
	Redis     RedisSettings
	Channels  ChannelSettings
	Sending   SendingSettings
	Links     LinkSettings
	Flags     FlagSettings
	Telemetry TelemetrySettings
	Log       LogSettings
	Keys      KeySettings
}

func (s *AuditSettings) check() (faults []fault) {
	faults = append(faults, wantAtLeast("AUDIT_ANCHOR_EVERY", s.AnchorEvery, shortestAnchors)...)
	faults = append(faults, wantAtMost("AUDIT_ANCHOR_EVERY", s.AnchorEvery, longestUntold)...)
	faults = append(faults, wantAtLeast("AUDIT_RETENTION_DAYS", s.RetentionDays, leastRetention)...)
	return append(faults, wantAtMost("AUDIT_RETENTION_DAYS", s.RetentionDays, mostRetention)...)
}

func (s *AuditSettings) keep() time.Duration { return time.Duration(s.RetentionDays) * 24 * time.Hour }

func (s *WorkerSettings) check() []fault {
	return slices.Concat(s.Database.check(), s.Audit.check(), s.Keep.check(), s.Events.check(), s.Mail.check(), s.Redis.check(), s.Channels.check(), s.Sending.check(), s.Links.check(), s.Flags.check())
}
