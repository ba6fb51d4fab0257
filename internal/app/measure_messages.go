package app

import (
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/telemetry"
)

// messageFigures are those of messages.
type messageFigures struct {
	measured[reminder.Figures]
}

// register adds them to a process's figures.
func (m *messageFigures) register(f *telemetry.Figures) {
	f.Gauge("messages_measured", "1 in the process whose figures of messages are read.", nil, m.of(func(reminder.Figures) float64 { return 1 }))
	m.registerNotices(f)
	for _, c := range reminder.SentBy {
		m.registerWaiting(f, c)
		m.registerGone(f, c)
	}
	for _, c := range []reminder.ChannelKind{reminder.SMS, reminder.Email} { // nobody reports of the other that it arrived
		f.Gauge("messages_on_time_share", "Share of those that the vendor took that were delivered within 30 minutes of their time, of an hour that ended 30 minutes ago; 1 without any.",
			telemetry.Labels{"channel": string(c)}, m.of(func(g reminder.Figures) float64 {
				if share, some := g.OnTimeShare(c); some {
					return share
				}
				return 1
			}))
	}
}

func (m *messageFigures) registerNotices(f *telemetry.Figures) {
	for _, of := range []struct {
		stage string
		wait  func(reminder.Figures) reminder.Wait
	}{
		{"news", func(g reminder.Figures) reminder.Wait { return g.News }},
		{"replans", func(g reminder.Figures) reminder.Wait { return g.Replans }},
		{"rules", func(g reminder.Figures) reminder.Wait { return g.Marks }},
	} {
		f.Gauge("notices_waiting", "What waits to be planned: news of visits, visits that are planned anew, and rules whose visits are yet to be; 100000: or more.",
			telemetry.Labels{"of": of.stage}, m.of(func(g reminder.Figures) float64 { return float64(of.wait(g).Count) }))
		f.Gauge("notices_oldest_seconds", "How long the oldest of them has waited.", telemetry.Labels{"of": of.stage},
			m.of(func(g reminder.Figures) float64 { return of.wait(g).Oldest.Seconds() }))
	}
}

func (m *messageFigures) registerWaiting(f *telemetry.Figures, c reminder.ChannelKind) {
	channel := telemetry.Labels{"channel": string(c)}
	for _, s := range []reminder.State{reminder.Scheduled, reminder.Queued, reminder.Sending} {
		stage := reminder.Stage{Channel: c, State: s}
		f.Gauge("messages_waiting", "Messages that are due, by where they wait; 100000: or more.", telemetry.Labels{"channel": string(c), "state": string(s)},
			m.of(func(g reminder.Figures) float64 { return float64(g.Waiting[stage].Count) }))
	}
	f.Gauge("messages_oldest_due_seconds", "How long the message has been due that waits the longest to be sent.", channel,
		m.of(func(g reminder.Figures) float64 { return g.Oldest(c).Seconds() }))
	f.Gauge("dead_letters_waiting", "Dead letters that were not replayed; 100000: or more.", channel,
		m.of(func(g reminder.Figures) float64 { return float64(g.Dead[c].Count) }))
	f.Gauge("dead_letters_oldest_seconds", "How long the oldest of them has been dead.", channel,
		m.of(func(g reminder.Figures) float64 { return g.Dead[c].Oldest.Seconds() }))
}

func (m *messageFigures) registerGone(f *telemetry.Figures, c reminder.ChannelKind) {
	for _, s := range []reminder.State{reminder.Sent, reminder.Delivered, reminder.Failed, reminder.Suppressed, reminder.Cancelled} {
		stage := reminder.Stage{Channel: c, State: s}
		f.Gauge("messages_of_an_hour", "Messages whose time was within an hour that ended 30 minutes ago, by their state now.",
			telemetry.Labels{"channel": string(c), "state": string(s)}, m.of(func(g reminder.Figures) float64 { return float64(g.Hour[stage].Count) }))
	}
	for _, s := range []reminder.State{reminder.Expired, reminder.Failed, reminder.Unknown} {
		stage := reminder.Stage{Channel: c, State: s}
		f.Gauge("messages_ended_badly", "Messages that ended within the last hour without anybody knowing that they arrived, by their state.",
			telemetry.Labels{"channel": string(c), "state": string(s)}, m.of(func(g reminder.Figures) float64 { return float64(g.Ended[stage]) }))
	}
}
