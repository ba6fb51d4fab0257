package rig

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/mediconnect/mediconnect/internal/devstack"
)

// RestartPostgres ends the cluster, fast (sessions are ended) or immediately (as a crash), and starts it again at the same port.
func (r *Rig) RestartPostgres(ctx context.Context, immediately bool) (err error) {
	before := r.Cluster
	if immediately {
		if err := syscall.Kill(before.PID(), syscall.SIGQUIT); err != nil {
			return err
		}
		<-before.Done()
	}
	before.Stop(ctx)
	options := devstack.PostgresOptions{Dir: r.cluster.Join("postgres"), Volatile: r.volatile, Port: before.Port()}
	if r.Cluster, err = devstack.StartPostgres(ctx, options); err != nil {
		r.Cluster = before
		return err
	}
	if now, was := r.Cluster.AdminURL("postgres"), before.AdminURL("postgres"); now != was {
		return errors.New("PostgreSQL is at another address than before")
	}
	return nil
}

// Redis is a Redis that can go and come back where it was.
type Redis struct {
	server *devstack.Redis
	dir    string
	port   int
}

// StartRedis starts one of the rig's own.
func (r *Rig) StartRedis(ctx context.Context) (*Redis, error) {
	s := &Redis{dir: r.folder.Join(fmt.Sprintf("redis-%d", r.count.Add(1)))}
	if err := s.Start(ctx); err != nil {
		return nil, err
	}
	s.port = s.server.Port()
	return s, nil
}

// URL is its address.
func (s *Redis) URL() string { return s.server.URL() }

// Start starts it, where it was before.
func (s *Redis) Start(ctx context.Context) (err error) {
	s.server, err = devstack.StartRedis(ctx, devstack.RedisOptions{Dir: s.dir, Volatile: true, Port: s.port})
	return err
}

// Kill ends it as kill -9 does.
func (s *Redis) Kill() error {
	if err := syscall.Kill(s.server.PID(), syscall.SIGKILL); err != nil {
		return err
	}
	<-s.server.Done()
	return nil
}
