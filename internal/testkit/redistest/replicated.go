package redistest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/mediconnect/mediconnect/internal/devstack"
)

// The name that Sentinels know the primary by, and how long they hear nothing of it before they take it for down.
const (
	PrimaryName = "mediconnect"
	downAfter   = 2 * time.Second // a node of a busy machine may say nothing for one
	nodes       = 3
	patience    = 2 * time.Minute
)

// Replicated is a primary with two replicas and three Sentinels, each a real process.
type Replicated struct {
	Password  string // of the nodes and of the Sentinels
	nodes     []*Node
	sentinels []*Node
	folder    *devstack.ScratchFolder
}

// Node is one of the processes, behind a link of its own unless it is a Sentinel.
type Node struct {
	options devstack.RedisOptions
	of      int // port of the primary that it follows; 0: none
	server  *devstack.Redis
	link    *link
}

// StartReplicated starts them, and returns once the Sentinels know each other and both replicas.
func StartReplicated(t testing.TB) *Replicated {
	t.Helper()
	folder, err := devstack.NewScratchFolder("mediconnect-test-redis-")
	if err != nil {
		t.Fatalf("folder for Redis: %v", err)
	}
	t.Cleanup(folder.Remove)
	r := &Replicated{Password: "replicated", folder: folder}
	t.Cleanup(r.stop)
	for i := range nodes {
		if err := r.addNode(i); err != nil {
			t.Fatalf("Redis for tests: %v", err)
		}
	}
	if err := r.startSentinels(); err != nil {
		t.Fatalf("Sentinels for tests: %v", err)
	}
	r.AwaitSteady(t)
	return r
}

func (r *Replicated) addNode(i int) error {
	l, err := newLink()
	if err != nil {
		return err
	}
	n := &Node{link: l}
	r.nodes = append(r.nodes, n)
	n.options = devstack.RedisOptions{
		Dir: r.folder.Join("node-" + strconv.Itoa(i)), Volatile: true, Password: r.Password,
		Settings: []string{
			"masterauth " + r.Password, "replica-announce-ip " + devstack.Loopback, "replica-announce-port " + strconv.Itoa(l.port()),
			"repl-ping-replica-period 1", "repl-timeout 5", "repl-diskless-sync yes", "repl-diskless-sync-delay 0",
		},
	}
	if i > 0 {
		n.of = r.nodes[0].link.port()
	}
	if err := n.start(); err != nil {
		return err
	}
	go l.serve(n.server.Port())
	return nil
}

func (r *Replicated) startSentinels() error {
	for i := range nodes {
		s := &Node{options: devstack.RedisOptions{
			Dir: r.folder.Join("sentinel-" + strconv.Itoa(i)), Password: r.Password,
			Sentinel: &devstack.Watch{Name: PrimaryName, Primary: r.nodes[0].link.port(), Quorum: 2, DownMs: int(downAfter.Milliseconds())},
		}}
		if err := s.start(); err != nil {
			return err
		}
		r.sentinels = append(r.sentinels, s)
	}
	return nil
}

// start starts a process where it was before, with nothing of what it knew.
func (n *Node) start() (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	options := n.options
	if n.of != 0 {
		options.Settings = append(slices.Clone(options.Settings), fmt.Sprintf("replicaof %s %d", devstack.Loopback, n.of))
	}
	if n.server, err = devstack.StartRedis(ctx, options); err != nil {
		return err
	}
	n.options.Port = n.server.Port()
	return nil
}

func (n *Node) kill() {
	if err := syscall.Kill(n.server.PID(), syscall.SIGKILL); err == nil {
		<-n.server.Done()
	}
}

// Kill ends it, a primary, as kill -9 does.
func (n *Node) Kill() {
	n.of = 0 // its configuration says so since it was made the primary
	n.kill()
}

// Start starts it where it was, empty.
func (n *Node) Start(t testing.TB) {
	t.Helper()
	if err := n.start(); err != nil {
		t.Errorf("start Redis again: %v", err)
	}
}

// Lag holds back what its replicas are sent, or lets it go.
func (n *Node) Lag(slow bool) { n.link.lag(slow) }

// Cut takes it off the network, with what was held back, or puts it back.
func (n *Node) Cut(off bool) { n.link.sever(off) }

// Flush deletes all that it has.
func (n *Node) Flush(t testing.TB, password string) {
	t.Helper()
	client := n.client(password)
	defer client.Close()
	if err := client.FlushAll(t.Context()).Err(); err != nil {
		t.Errorf("flush Redis: %v", err)
	}
}

func (n *Node) address() string {
	port := n.options.Port
	if n.link != nil {
		port = n.link.port()
	}
	return net.JoinHostPort(devstack.Loopback, strconv.Itoa(port))
}

// Sentinels are the addresses of the Sentinels.
func (r *Replicated) Sentinels() (all []string) {
	for _, s := range r.sentinels {
		all = append(all, s.address())
	}
	return all
}

// Primary is the node that most Sentinels name.
func (r *Replicated) Primary(ctx context.Context) (*Node, error) {
	named := map[string]int{}
	for _, s := range r.sentinels {
		client := redis.NewSentinelClient(&redis.Options{Addr: s.address(), Password: r.Password, MaxRetries: -1, DialTimeout: time.Second})
		found, err := client.GetMasterAddrByName(ctx, PrimaryName).Result()
		_ = client.Close()
		if err == nil && len(found) == 2 {
			named[net.JoinHostPort(found[0], found[1])]++
		}
	}
	for _, n := range r.nodes {
		if named[n.address()] > len(r.sentinels)/2 {
			return n, nil
		}
	}
	return nil, errors.New("the Sentinels don't agree on a primary")
}

// AwaitSteady waits until there is a primary with two replicas that keep up, and all Sentinels name it.
func (r *Replicated) AwaitSteady(t testing.TB) *Node {
	t.Helper()
	return r.await(t, "steady", func(n *Node) bool { return n.replicas(r.Password) == nodes-1 && r.seen(t.Context()) })
}

// AwaitOther waits until another node than one is the primary.
func (r *Replicated) AwaitOther(t testing.TB, than *Node) *Node {
	t.Helper()
	return r.await(t, "failed over", func(n *Node) bool { return n != than })
}

func (r *Replicated) await(t testing.TB, what string, is func(*Node) bool) *Node {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if n, err := r.Primary(ctx); err == nil && is(n) {
			return n
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("Redis isn't %s after %s", what, patience)
		}
	}
}

// replicas is how many keep up with a node; 0 if it is no primary.
func (n *Node) replicas(password string) int {
	client := redis.NewClient(&redis.Options{Addr: n.address(), Password: password, MaxRetries: -1, DialTimeout: time.Second})
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	told, err := client.Info(ctx, "replication").Result()
	if err != nil || !strings.Contains(told, "role:master") {
		return 0
	}
	return strings.Count(told, "state=online")
}

// seen says whether each Sentinel knows the others and both replicas.
func (r *Replicated) seen(ctx context.Context) bool {
	for _, s := range r.sentinels {
		client := redis.NewSentinelClient(&redis.Options{Addr: s.address(), Password: r.Password, MaxRetries: -1, DialTimeout: time.Second})
		others, err := client.Sentinels(ctx, PrimaryName).Result()
		replicas, failed := client.Replicas(ctx, PrimaryName).Result()
		_ = client.Close()
		if err != nil || failed != nil || len(others) != nodes-1 || len(replicas) < nodes-1 {
			return false
		}
	}
	return true
}

// Leave ends every process, as a lost machine does.
func (r *Replicated) Leave() {
	for _, n := range append(append([]*Node{}, r.sentinels...), r.nodes...) {
		n.kill()
	}
}

// Return starts every process again, empty, as at first.
func (r *Replicated) Return(t testing.TB) {
	t.Helper()
	for i, n := range r.nodes {
		if n.of = r.nodes[0].link.port(); i == 0 {
			n.of = 0
		}
	}
	for _, n := range append(append([]*Node{}, r.nodes...), r.sentinels...) {
		n.Start(t)
	}
	r.AwaitSteady(t)
}

func (r *Replicated) stop() {
	for _, n := range append(append([]*Node{}, r.sentinels...), r.nodes...) {
		if n.server != nil {
			n.kill()
		}
		if n.link != nil {
			n.link.close()
		}
	}
}
