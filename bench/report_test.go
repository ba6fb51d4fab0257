package bench_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// report prints a result and keeps it in results/, a file a benchmark, with what it was measured on.
func report(b *testing.B, r ratio, line string) {
	b.Helper()
	b.ReportMetric(r.median, "ratio")
	b.ReportMetric(r.low, "ratio-low")
	b.ReportMetric(r.high, "ratio-high")
	keep(b, line)
}

// keep does the same for a result that is no ratio.
func keep(b *testing.B, line string) {
	b.Helper()
	b.Log(line)
	b.ReportMetric(0, "ns/op")
	text := fmt.Sprintf("%s %s\n  %s, %s/%s, %d processors, load at the end %s\n",
		time.Now().UTC().Format(time.DateTime), line, runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), load())
	if err := os.MkdirAll("results", 0o755); err != nil {
		b.Fatal(err)
	}
	file, err := os.OpenFile(filepath.Join("results", strings.NewReplacer("Benchmark", "", "/", "-").Replace(b.Name())+".txt"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString(text); err != nil {
		b.Fatal(err)
	}
}

// load is that of the last minutes and how many ran at once, where the system tells.
func load() string {
	text, _ := os.ReadFile("/proc/loadavg")
	fields := strings.Fields(string(text))
	return strings.Join(fields[:min(4, len(fields))], " ")
}
