package app

import (
	"context"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/live"
	"github.com/mediconnect/mediconnect/internal/postgres"
)

// liveChannel is where the log is handed to all processes, and relayOffice whose office it is to do so.
const (
	liveChannel = "mediconnect:live"
	relayOffice = "relay"
)

// useRedis has processes tell each other things by way of Redis. It comes before Handler.
func (a *App) useRedis(settings RedisSettings) (err error) {
	a.redis, err = settings.open()
	if err == nil && a.redis != nil {
		a.cacheSessions()
	}
	return err
}

// follow has the hub follow the log until the app is closed.
func (a *App) follow() {
	if a.stop != nil {
		return
	}
	var ctx context.Context
	ctx, a.stop = context.WithCancel(context.Background())
	log, key, now := postgres.NewLog(a.db).Closely(), live.KeyFrom(a.frame.LinkKey), clock.System{}
	if a.redis == nil {
		a.feed = live.NewFeed(a.hub, log, nil, key, now)
	} else {
		bus := a.redis.Bus(liveChannel)
		a.feed = live.NewFeed(a.hub, log, bus, key, now)
		a.relay = &live.Relay{Log: log, Office: postgres.NewOffice(a.db, relayOffice), Bus: bus, Key: key, Clock: now}
		a.beside.Go(func() { a.relay.Run(ctx) })
	}
	a.beside.Go(func() { a.feed.Run(ctx) })
	a.guarding(ctx)
	a.besideConflicts(ctx)
}

// trimmer bounds the log.
func (a *App) trimmer() live.Trimmer {
	return live.Trimmer{Log: postgres.NewLog(a.db), Clock: a.frame.Clock, Keep: a.frame.Events.keep()}
}
