package redis_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/redis"
	"github.com/mediconnect/mediconnect/internal/testkit/redistest"
)

func open(t *testing.T, url string) *redis.Client {
	t.Helper()
	c, err := redis.Open(redis.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestABusCarriesMessagesToWhoeverListensOnIt(t *testing.T) {
	c := open(t, redistest.NewURL(t))
	heard := make(chan string, 100)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- c.Bus("news").Listen(ctx, time.Minute, func(m []byte) { heard <- string(m) })
	}()
	for said := ""; said == ""; { // until the subscription stands
		if err := c.Bus("news").Publish(t.Context(), []byte("first\x00\xff")); err != nil {
			t.Fatal(err)
		}
		select {
		case said = <-heard:
		case <-time.After(20 * time.Millisecond):
		}
	}
	if err := c.Bus("other").Publish(t.Context(), []byte("of another")); err != nil {
		t.Fatal(err)
	}
	if err := c.Bus("news").Publish(t.Context(), []byte("last")); err != nil {
		t.Fatal(err)
	}
	for said := ""; said != "last"; {
		select {
		case said = <-heard:
		case <-time.After(5 * time.Second):
			t.Fatal("the last message isn't heard")
		}
		if said != "last" && said != "first\x00\xff" {
			t.Errorf("heard %q", said)
		}
	}
	stop()
	select {
	case <-ended:
	case <-time.After(time.Second):
		t.Error("it still listens after it was told to stop")
	}
}

func TestListeningEndsWhenNothingComes(t *testing.T) {
	c := open(t, redistest.NewURL(t))
	began := time.Now()
	err := c.Bus("news").Listen(t.Context(), 100*time.Millisecond, func([]byte) {})
	if took := time.Since(began); err == nil || took < 100*time.Millisecond || took > 3*time.Second {
		t.Errorf("ended after %v with %v", took, err)
	}
}

func TestAnAbsentRedisIsToldWithinASecondAndWithoutThePassword(t *testing.T) {
	c := open(t, "redis://:opensesame@127.0.0.1:1/0")
	began := time.Now()
	for name, call := range map[string]func() error{
		"ping":    func() error { return c.Ping(t.Context()) },
		"publish": func() error { return c.Bus("news").Publish(t.Context(), nil) },
		"listen":  func() error { return c.Bus("news").Listen(t.Context(), time.Minute, func([]byte) {}) },
	} {
		if err := call(); err == nil || strings.Contains(err.Error(), "opensesame") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("three calls took %v", took)
	}
	if _, err := redis.Open(redis.Options{URL: "redis://:opensesame@[::1"}); err == nil || strings.Contains(err.Error(), "opensesame") {
		t.Errorf("a bad address: %v", err)
	}
}
