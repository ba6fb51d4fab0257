package devstack

import (
	"fmt"
	"strconv"
)

// Watch is what a Sentinel watches: a primary, of which it learns who the replicas are.
type Watch struct {
	Name    string // that clients ask for
	Primary int    // its port on loopback
	Quorum  int    // how many Sentinels must agree that it is down
	DownMs  int    // milliseconds of silence after which one takes it for down
}

func (w *Watch) settings(password string) (lines []string) {
	if w == nil {
		return nil
	}
	for _, setting := range [][2]string{
		{"monitor", fmt.Sprintf("%s %d %d", Loopback, w.Primary, w.Quorum)}, {"auth-pass", password},
		{"down-after-milliseconds", strconv.Itoa(w.DownMs)}, {"failover-timeout", strconv.Itoa(10 * w.DownMs)}, {"parallel-syncs", "1"},
	} {
		lines = append(lines, "sentinel "+setting[0]+" "+w.Name+" "+setting[1])
	}
	return append(lines, "sentinel sentinel-pass "+password)
}

// arguments are those that the program is started with.
func (o RedisOptions) arguments(config string) []string {
	if o.Sentinel != nil {
		return []string{config, "--sentinel"}
	}
	return []string{config}
}
